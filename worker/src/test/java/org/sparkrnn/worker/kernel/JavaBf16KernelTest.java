package org.sparkrnn.worker.kernel;

import org.sparkrnn.common.config.KernelConfig.Precision;

class JavaBf16KernelTest extends KernelContract {
  @Override
  Kernel kernel() {
    return new JavaKernel(Precision.BF16);
  }

  @Override
  Precision precision() {
    return Precision.BF16;
  }
}
