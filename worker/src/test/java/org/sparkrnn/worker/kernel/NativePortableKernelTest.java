package org.sparkrnn.worker.kernel;

class NativePortableKernelTest extends KernelContract {
  @Override
  Kernel kernel() {
    return new NativeKernel(KernelIsa.PORTABLE);
  }
}
