package org.sparkrnn.worker.kernel;

class JavaKernelTest extends KernelContract {
  @Override
  Kernel kernel() {
    return new JavaKernel();
  }
}
