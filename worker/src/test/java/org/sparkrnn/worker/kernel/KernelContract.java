package org.sparkrnn.worker.kernel;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparkrnn.worker.kernel.LayerFixture.normalised;
import static org.sparkrnn.worker.kernel.LayerFixture.shape;
import static org.sparkrnn.worker.kernel.LayerFixture.withoutGradients;
import static org.sparkrnn.worker.kernel.SameBits.assertSame;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every kernel and every variant of one passes: the recurrent layers, to the bit, against
 * {@link RecurrenceOracle}. The other operations: {@link KernelOperationsContract}.
 */
abstract class KernelContract extends KernelOperationsContract {
  private static final int[] HIDDEN = {1, 7, 16, 17, 33, 100};
  private static final int[] BATCH = {1, 3, 17, 20};
  private static final int[] TIME = {1, 5};

  @ParameterizedTest
  @EnumSource
  void layerEqualsTheOracleInEveryShape(CellKind cell) {
    for (LayerShape shape : shapes(cell, false)) {
      check(shape, shape.time(), fixture -> {});
    }
  }

  @ParameterizedTest
  @EnumSource
  void layerOnTokensEqualsTheOracleInEveryShape(CellKind cell) {
    for (LayerShape shape : shapes(cell, true)) {
      check(shape, shape.time(), fixture -> {});
    }
  }

  /** Shapes beyond and around the tiles of any variant; each cell has its own. */
  @ParameterizedTest
  @EnumSource
  void layerEqualsTheOracleInRandomShapes(CellKind cell) {
    SplittableRandom random = new SplittableRandom(cell.name().hashCode());
    for (int i = 0; i < 6; i++) {
      int time = random.nextInt(1, 5);
      int batch = random.nextInt(1, 41);
      int input = random.nextInt(1, 150);
      int hidden = random.nextInt(1, 150);
      LayerShape shape = shape(cell, time, batch, input, hidden, random.nextInt(4) == 0);
      check(shape, time, fixture -> {});
    }
    check(shape(cell, 2, 65, 700, 40, false), 2, fixture -> {});
    check(shape(cell, 2, 20, 40, 300, false), 2, fixture -> {});
  }

  @ParameterizedTest
  @EnumSource
  void packingFollowsTheParameters(CellKind cell) {
    LayerShape shape = shape(cell, 2, 3, 9, 20, false);
    try (LayerFixture fixture = new LayerFixture(kernel(), shape)) {
      for (long seed = 1; seed <= 2; seed++) {
        fixture.fill(new SplittableRandom(seed));
        RecurrenceOracle oracle = new RecurrenceOracle(precision(), fixture.layer, 2, new int[0]);
        Map<String, float[]> expected = new LinkedHashMap<>();
        oracle.forward();
        oracle.putForward(expected);
        kernel().pack(fixture.layer);
        kernel().forward(fixture.layer, 2, new int[0]);
        assertSame("seed " + seed, fixture.forwardResults(2), expected);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void windowMayBeShorterThanPlanned(CellKind cell) {
    check(shape(cell, 5, 3, 9, 20, false), 2, fixture -> {});
    check(shape(cell, 5, 3, 9, 20, true), 1, fixture -> {});
  }

  @ParameterizedTest
  @EnumSource
  void extremeValuesStayWhatTheOracleSays(CellKind cell) {
    float[] extremes = {
      Float.NaN,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      -0f,
      Float.MIN_VALUE,
      -1e-40f,
      Float.MAX_VALUE,
      200f,
      -200f
    };
    for (float extreme : extremes) {
      for (int hidden : new int[] {7, 16, 33}) {
        LayerShape shape = shape(cell, 3, 5, 18, hidden, false);
        check(shape, 3, fixture -> set(fixture.layer.x().rows(7, 1), 17, extreme));
        check(shape, 3, fixture -> set(fixture.layer.hidden().rows(2, 1), hidden - 1, extreme));
        check(shape, 3, fixture -> set(fixture.layer.dHiddenSequence().rows(6, 1), 0, extreme));
        check(
            shape,
            3,
            fixture -> set(fixture.layer.parameters().recurrentWeights(), hidden - 1, extreme));
        check(shape, 3, fixture -> set(fixture.layer.parameters().inputWeights(), 17, extreme));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void allZeroesStayWhatTheOracleSays(CellKind cell) {
    check(
        shape(cell, 2, 3, 5, 17, false),
        2,
        fixture -> {
          fixture.layer.dHiddenSequence().zero();
          fixture.layer.dHidden().zero();
          fixture.layer.dCell().zero();
        });
  }

  @ParameterizedTest
  @EnumSource
  void twoWindowsWithCarriedStateEqualOneLongWindow(CellKind cell) {
    LayerShape shape = shape(cell, 6, 3, 9, 20, false);
    try (LayerFixture whole = new LayerFixture(kernel(), shape);
        LayerFixture parts = new LayerFixture(kernel(), shape)) {
      whole.fill(new SplittableRandom(11));
      parts.fill(new SplittableRandom(11));
      kernel().pack(whole.layer);
      kernel().pack(parts.layer);
      kernel().forward(whole.layer, 6, new int[0]);
      kernel().forward(parts.layer, 4, new int[0]);
      parts.layer.carryState(4);
      float[] rest = whole.layer.x().rows(12, 6).toArray();
      parts.layer.x().rows(0, 6).write(rest, 0);
      kernel().forward(parts.layer, 2, new int[0]);
      assertSame(
          "hidden",
          parts.layer.hidden().rows(0, 9).toArray(),
          whole.layer.hidden().rows(12, 9).toArray());
    }
  }

  /** Every unit keeps its states in some steps. */
  @ParameterizedTest
  @EnumSource
  void zoneoutEqualsTheOracle(CellKind cell) {
    for (Zoneout zoneout : zoneouts(cell)) {
      for (int hidden : HIDDEN) {
        for (int batch : BATCH) {
          boolean oneHot = hidden % 2 == 0;
          check(shape(cell, 5, batch, 9, hidden, oneHot, zoneout), 4, fixture -> {});
          if (batch < 17) {
            check(shape(cell, 1, batch, 9, hidden, oneHot, zoneout), 1, fixture -> {});
          }
        }
      }
      LayerShape shape = shape(cell, 3, 5, 18, 33, false, zoneout);
      for (float extreme : new float[] {Float.NaN, Float.POSITIVE_INFINITY, -0f, 200f}) {
        check(shape, 3, fixture -> set(fixture.layer.x().rows(7, 1), 17, extreme));
        check(shape, 3, fixture -> set(fixture.layer.hidden().rows(2, 1), 32, extreme));
        check(shape, 3, fixture -> set(fixture.layer.dHiddenSequence().rows(6, 1), 0, extreme));
      }
    }
  }

  /** A layer without gradients takes the mean. */
  @ParameterizedTest
  @EnumSource
  void zoneoutWithoutGradientsEqualsTheOracle(CellKind cell) {
    for (Zoneout zoneout : zoneouts(cell)) {
      for (int hidden : HIDDEN) {
        for (int batch : BATCH) {
          checkForward(shape(cell, 3, batch, 9, hidden, hidden % 2 == 0, zoneout));
        }
      }
    }
  }

  private static Stream<CellKind> projectableCells() {
    return Stream.of(CellKind.values()).filter(CellKind::isProjectable);
  }

  /** With and without zoneout, on one step and more, on windows shorter than planned. */
  @ParameterizedTest
  @MethodSource("projectableCells")
  void projectionEqualsTheOracle(CellKind cell) {
    List<Zoneout> zoneouts = List.of(Zoneout.NONE, new Zoneout(0.3f, 0.4f));
    int turn = 0;
    for (int[] sizes : new int[][] {{2, 1}, {17, 16}, {33, 7}, {48, 33}, {100, 70}, {150, 149}}) {
      for (int batch : BATCH) {
        boolean oneHot = batch % 2 == 0;
        Zoneout zoneout = zoneouts.get(turn % 2);
        Zoneout other = zoneouts.get(1 - turn % 2);
        check(shape(cell, 1, batch, 9, sizes[0], sizes[1], oneHot, zoneout), 1, f -> {});
        check(shape(cell, 5, batch, 9, sizes[0], sizes[1], !oneHot, other), 4, f -> {});
        turn++;
      }
      turn++; // BATCH is even: else a batch would always have the same
    }
    check(shape(cell, 2, 20, 40, 300, 200, false, Zoneout.NONE), 2, fixture -> {});
    check(shape(cell, 3, 65, 20, 40, 24, false, Zoneout.NONE), 3, fixture -> {});
  }

  @ParameterizedTest
  @MethodSource("projectableCells")
  void extremeValuesOfAProjectionStayWhatTheOracleSays(CellKind cell) {
    LayerShape shape = shape(cell, 3, 5, 18, 33, 7, false, new Zoneout(0.3f, 0));
    LayerShape plain = shape(cell, 3, 5, 18, 33, 18, false, Zoneout.NONE);
    for (float extreme : new float[] {Float.NaN, Float.NEGATIVE_INFINITY, -0f, -1e-40f, 200f}) {
      for (LayerShape each : List.of(shape, plain)) {
        check(each, 3, fixture -> set(fixture.layer.x().rows(7, 1), 17, extreme));
        check(each, 3, fixture -> set(fixture.layer.hidden().rows(2, 1), 6, extreme));
        check(each, 3, fixture -> set(fixture.layer.dHiddenSequence().rows(6, 1), 0, extreme));
        check(each, 3, fixture -> set(fixture.layer.parameters().projection(), 32, extreme));
        check(each, 3, fixture -> set(fixture.layer.parameters().recurrentWeights(), 6, extreme));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("projectableCells")
  void projectionWithoutGradientsEqualsTheOracle(CellKind cell) {
    for (Zoneout zoneout : List.of(Zoneout.NONE, new Zoneout(0.3f, 0.4f))) {
      checkForward(shape(cell, 3, 5, 9, 33, 18, false, zoneout));
      checkForward(shape(cell, 3, 20, 9, 80, 7, true, zoneout));
    }
  }

  /** Alone, with zoneout and projected; on one step and more, on windows shorter than planned. */
  @ParameterizedTest
  @EnumSource
  void layerNormalisationEqualsTheOracle(CellKind cell) {
    Zoneout zoneout = new Zoneout(0.3f, cell.hasCellState() ? 0.4f : 0);
    int half = cell.isProjectable() ? 50 : 100;
    for (LayerShape shape :
        List.of(
            shape(cell, 1, 1, 9, 1, true),
            shape(cell, 3, 17, 9, 16, false),
            shape(cell, 3, 33, 9, 17, true, zoneout),
            shape(cell, 3, 5, 9, 33, false, zoneout),
            shape(cell, 3, 3, 9, 100, half, false, zoneout))) {
      check(normalised(shape), Math.min(2, shape.time()), fixture -> {});
    }
    checkForward(normalised(shape(cell, 3, 5, 9, 33, false, zoneout)));
    LayerShape shape = normalised(shape(cell, 2, 3, 18, 17, false));
    for (float extreme : new float[] {Float.NaN, Float.POSITIVE_INFINITY, 1e30f}) {
      check(shape, 2, fixture -> set(fixture.layer.x().rows(4, 1), 17, extreme));
      check(shape, 2, fixture -> set(fixture.layer.hidden().rows(2, 1), 16, extreme));
      check(shape, 2, fixture -> set(fixture.layer.parameters().recurrentGain(), 0, extreme));
    }
    check(shape, 2, fixture -> fixture.layer.x().zero());
  }

  private static List<Zoneout> zoneouts(CellKind cell) {
    List<Zoneout> ofHidden = List.of(new Zoneout(0.3f, 0));
    List<Zoneout> ofCell = List.of(new Zoneout(0, 0.4f), new Zoneout(0.3f, 0.4f));
    return Stream.of(ofHidden, cell.hasCellState() ? ofCell : List.<Zoneout>of())
        .flatMap(List::stream)
        .toList();
  }

  @Test
  void wrongArgumentsAreRefused() {
    try (LayerFixture fixture =
        new LayerFixture(kernel(), shape(CellKind.LSTM, 2, 3, 4, 5, true))) {
      kernel().pack(fixture.layer);
      assertThatThrownBy(() -> kernel().forward(fixture.layer, 3, new int[9]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("3 as time");
      assertThatThrownBy(() -> kernel().forward(fixture.layer, 2, new int[5]))
          .hasMessageContaining("5 elements, expected 6");
      assertThatThrownBy(() -> kernel().backward(fixture.layer, 1, new int[] {0, 4, 0}))
          .hasMessageContaining("element 1 is 4, expected 0 to 3");
    }
  }

  private void check(LayerShape shape, int time, Consumer<LayerFixture> change) {
    long seed = shape.hashCode();
    SplittableRandom random = new SplittableRandom(seed);
    String what = "%s, window %d, seed %d:".formatted(shape, time, seed);
    try (LayerFixture fixture = new LayerFixture(kernel(), shape)) {
      fixture.fill(random);
      change.accept(fixture);
      int[] tokens = fixture.tokens(random);
      RecurrenceOracle oracle = new RecurrenceOracle(precision(), fixture.layer, time, tokens);
      Map<String, float[]> expected = new LinkedHashMap<>();
      kernel().pack(fixture.layer);
      kernel().forward(fixture.layer, time, tokens);
      oracle.forward();
      oracle.putForward(expected);
      assertSame(what, fixture.forwardResults(time), expected);
      kernel().backward(fixture.layer, time, tokens);
      expected.clear();
      oracle.backward();
      oracle.putBackward(expected);
      assertSame(what, fixture.backwardResults(time), expected);
    }
  }

  /** Of a layer that has no gradients. */
  private void checkForward(LayerShape shape) {
    try (LayerFixture fixture = new LayerFixture(kernel(), withoutGradients(shape))) {
      SplittableRandom random = new SplittableRandom(shape.hashCode());
      fixture.fill(random);
      int[] tokens = fixture.tokens(random);
      RecurrenceOracle oracle =
          new RecurrenceOracle(precision(), fixture.layer, shape.time(), tokens);
      Map<String, float[]> expected = new LinkedHashMap<>();
      kernel().pack(fixture.layer);
      kernel().forward(fixture.layer, shape.time(), tokens);
      oracle.forward();
      oracle.putForward(expected);
      assertSame(shape.toString(), fixture.forwardResults(shape.time()), expected);
    }
  }

  private static List<LayerShape> shapes(CellKind cell, boolean oneHot) {
    List<LayerShape> shapes = new ArrayList<>();
    for (int hidden : HIDDEN) {
      for (int batch : BATCH) {
        for (int time : TIME) {
          int input = 1 + (hidden * 7 + batch * 3 + time) % 40;
          shapes.add(shape(cell, time, batch, input, hidden, oneHot));
        }
      }
    }
    return shapes;
  }

  private static void set(Matrix matrix, int element, float value) {
    float[] values = matrix.toArray();
    values[element] = value;
    matrix.write(values, 0);
  }
}
