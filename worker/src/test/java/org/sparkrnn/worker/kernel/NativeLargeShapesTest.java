package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.LayerFixture.normalised;
import static org.sparkrnn.worker.kernel.LayerFixture.shape;
import static org.sparkrnn.worker.kernel.SameBits.assertSame;

import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkrnn.common.config.KernelConfig;
import org.sparkrnn.common.config.KernelConfig.Choice;
import org.sparkrnn.common.config.KernelConfig.Isa;
import org.sparkrnn.common.config.KernelConfig.Precision;

/**
 * Shapes that need several chunks of everything the native kernel cuts, against the Java kernel.
 */
class NativeLargeShapesTest {

  @ParameterizedTest
  @EnumSource
  void layerEqualsTheJavaKernel(CellKind cell) {
    // 4 · 288 gate columns are two chunks of k, 410 positions two of a weight gradient.
    check(Precision.FLOAT32, shape(cell, 41, 10, 70, 277, false));
  }

  /** One position more or less, and halves of the window would not fit their chunks. */
  @ParameterizedTest
  @CsvSource({"FLOAT32, 59, 13", "BF16, 307, 5", "BF16_AMX, 307, 5", "BF16_AMX, 59, 26"})
  void windowsOfUnevenHalvesEqualTheJavaKernel(Precision precision, int time, int batch) {
    check(precision, shape(CellKind.LSTM, time, batch, 70, 20, false));
  }

  /** Rows of sums that become operands, in two chunks of positions. */
  @ParameterizedTest
  @EnumSource
  void normalisedLayerEqualsTheJavaKernel(CellKind cell) {
    check(Precision.BF16_AMX, normalised(shape(cell, 87, 24, 33, 20, false)));
  }

  private static void check(Precision precision, LayerShape shape) {
    Kernel nativeKernel =
        new NativeKernel(new KernelConfig(Choice.NATIVE, Isa.AUTO, precision, true));
    Kernel java = new JavaKernel(precision);
    int[] none = new int[0];
    try (LayerFixture actual = new LayerFixture(nativeKernel, shape);
        LayerFixture expected = new LayerFixture(java, shape)) {
      for (LayerFixture each : new LayerFixture[] {actual, expected}) {
        each.fill(new SplittableRandom(5));
        each.kernel.pack(each.layer);
        each.kernel.forward(each.layer, shape.time(), none);
      }
      int time = shape.time();
      assertSame("forward", actual.forwardResults(time), expected.forwardResults(time));
      nativeKernel.backward(actual.layer, time, none);
      java.backward(expected.layer, time, none);
      assertSame("backward", actual.backwardResults(time), expected.backwardResults(time));
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
