package org.sparkrnn.worker.kernel;

import org.sparkrnn.common.config.KernelConfig.Isa;
import org.sparkrnn.common.config.KernelConfig.Precision;

class NativePortableEmulatedBf16KernelTest extends KernelContract {
  @Override
  Kernel kernel() {
    return new NativeKernel(Isa.PORTABLE, Arithmetic.BF16_EMULATED);
  }

  @Override
  Precision precision() {
    return Precision.BF16;
  }
}
