package org.sparkrnn.worker.kernel;

import org.junit.jupiter.api.condition.EnabledIf;

@EnabledIf("processorRunsIt")
class NativeAvx2KernelTest extends KernelContract {
  static boolean processorRunsIt() {
    return NativeKernel.isSupported(KernelIsa.AVX2);
  }

  @Override
  Kernel kernel() {
    return new NativeKernel(KernelIsa.AVX2);
  }
}
