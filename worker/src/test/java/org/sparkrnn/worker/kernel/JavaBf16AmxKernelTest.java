package org.sparkrnn.worker.kernel;

import org.sparkrnn.common.config.KernelConfig.Precision;

class JavaBf16AmxKernelTest extends KernelContract {
  @Override
  Kernel kernel() {
    return new JavaKernel(Precision.BF16_AMX);
  }

  @Override
  Precision precision() {
    return Precision.BF16_AMX;
  }
}
