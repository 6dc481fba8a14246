package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.SameBits.assertSame;

import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkrnn.common.config.KernelConfig.Isa;
import org.sparkrnn.common.config.KernelConfig.Precision;
import org.sparkrnn.worker.kernel.LayerFixture.Shape;

/**
 * Shapes that need several chunks of everything the native kernel cuts, against the Java kernel.
 */
class NativeLargeShapesTest {
  private final Kernel java = new JavaKernel();
  private final Kernel nativeKernel = new NativeKernel(Isa.AUTO);

  @ParameterizedTest
  @EnumSource
  void layerEqualsTheJavaKernel(CellKind cell) {
    // 4 · 288 gate columns are two chunks of k, 410 positions two of a weight gradient.
    Shape shape = new Shape(cell, 41, 10, 70, 277, false);
    try (LayerFixture actual = new LayerFixture(nativeKernel, shape);
        LayerFixture expected = new LayerFixture(java, shape)) {
      for (LayerFixture each : new LayerFixture[] {actual, expected}) {
        each.fill(new SplittableRandom(5));
        each.kernel.pack(each.layer);
        each.kernel.forward(each.layer, 41, new int[0]);
      }
      assertSame("forward", actual.forwardResults(41), expected.forwardResults(41));
      nativeKernel.backward(actual.layer, 41, new int[0]);
      java.backward(expected.layer, 41, new int[0]);
      assertSame("backward", actual.backwardResults(41), expected.backwardResults(41));
    }
  }

  @ParameterizedTest
  @EnumSource(names = "AUTO")
  void softmaxEqualsTheOracle(Isa isa) {
    // 530 positions are two tiles, 8 000 words many chunks.
    try (SoftmaxFixture fixture =
        new SoftmaxFixture(new NativeKernel(isa), Precision.FLOAT32, 530, 20, 8_000)) {
      fixture.fill(0.3f);
      fixture.check(530);
    }
  }
}
