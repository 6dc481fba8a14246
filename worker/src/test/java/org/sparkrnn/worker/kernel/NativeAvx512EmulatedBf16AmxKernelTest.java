package org.sparkrnn.worker.kernel;

import org.junit.jupiter.api.condition.EnabledIf;
import org.sparkrnn.common.config.KernelConfig.Isa;
import org.sparkrnn.common.config.KernelConfig.Precision;

@EnabledIf("processorRunsIt")
class NativeAvx512EmulatedBf16AmxKernelTest extends KernelContract {
  static boolean processorRunsIt() {
    return Arithmetic.BF16_AMX_EMULATED.isSupported(Isa.AVX512);
  }

  @Override
  Kernel kernel() {
    return new NativeKernel(Isa.AVX512, Arithmetic.BF16_AMX_EMULATED);
  }

  @Override
  Precision precision() {
    return Precision.BF16_AMX;
  }
}
