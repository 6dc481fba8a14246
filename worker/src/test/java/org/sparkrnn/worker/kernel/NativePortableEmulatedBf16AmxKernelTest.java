package org.sparkrnn.worker.kernel;

import org.sparkrnn.common.config.KernelConfig.Isa;
import org.sparkrnn.common.config.KernelConfig.Precision;

class NativePortableEmulatedBf16AmxKernelTest extends KernelContract {
  @Override
  Kernel kernel() {
    return new NativeKernel(Isa.PORTABLE, Arithmetic.BF16_AMX_EMULATED);
  }

  @Override
  Precision precision() {
    return Precision.BF16_AMX;
  }
}
