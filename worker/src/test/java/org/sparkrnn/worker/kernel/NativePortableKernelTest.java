package org.sparkrnn.worker.kernel;

import org.sparkrnn.common.config.KernelConfig.Isa;

class NativePortableKernelTest extends KernelContract {
  @Override
  Kernel kernel() {
    return new NativeKernel(Isa.PORTABLE);
  }
}
