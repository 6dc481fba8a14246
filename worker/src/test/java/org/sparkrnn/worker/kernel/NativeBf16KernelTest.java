package org.sparkrnn.worker.kernel;

import org.junit.jupiter.api.condition.EnabledIf;
import org.sparkrnn.common.config.KernelConfig.Isa;
import org.sparkrnn.common.config.KernelConfig.Precision;

@EnabledIf("processorRunsIt")
class NativeBf16KernelTest extends KernelContract {
  static boolean processorRunsIt() {
    return Arithmetic.BF16.isSupported(Isa.AVX512);
  }

  @Override
  Kernel kernel() {
    return new NativeKernel(Isa.AVX512, Arithmetic.BF16);
  }

  @Override
  Precision precision() {
    return Precision.BF16;
  }
}
