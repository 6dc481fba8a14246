package org.sparkrnn.worker.kernel;

import org.junit.jupiter.api.condition.EnabledIf;

@EnabledIf("processorRunsIt")
class NativeAvx512KernelTest extends KernelContract {
  static boolean processorRunsIt() {
    return NativeKernel.isSupported(KernelIsa.AVX512);
  }

  @Override
  Kernel kernel() {
    return new NativeKernel(KernelIsa.AVX512);
  }
}
