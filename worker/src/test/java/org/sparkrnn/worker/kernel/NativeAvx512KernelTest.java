package org.sparkrnn.worker.kernel;

import org.junit.jupiter.api.condition.EnabledIf;
import org.sparkrnn.common.config.KernelConfig.Isa;

@EnabledIf("processorRunsIt")
class NativeAvx512KernelTest extends KernelContract {
  static boolean processorRunsIt() {
    return Arithmetic.FLOAT32.isSupported(Isa.AVX512);
  }

  @Override
  Kernel kernel() {
    return new NativeKernel(Isa.AVX512);
  }
}
