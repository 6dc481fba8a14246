package org.sparkrnn.worker.kernel;

import org.junit.jupiter.api.condition.EnabledIf;
import org.sparkrnn.common.config.KernelConfig.Isa;

@EnabledIf("processorRunsIt")
class NativeAvx2KernelTest extends KernelContract {
  static boolean processorRunsIt() {
    return Arithmetic.FLOAT32.isSupported(Isa.AVX2);
  }

  @Override
  Kernel kernel() {
    return new NativeKernel(Isa.AVX2);
  }
}
