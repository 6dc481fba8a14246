package org.sparkrnn.worker.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparkrnn.worker.kernel.SameBits.assertSame;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;
import org.sparkrnn.worker.random.PhiloxKey;

/** The part of {@link KernelContract} beside the recurrent layers, to the bit. */
abstract class KernelOperationsContract extends SequenceKernelContract {
  private static final int[] SIZES = {1, 3, 15, 16, 17, 31, 64, 100, 1000};

  @Test
  void softmaxEqualsTheOracleInEveryShape() {
    for (int vocabulary : new int[] {1, 2, 16, 17, 65, 300}) {
      for (int positions : new int[] {1, 31, 32, 33, 70, 129}) {
        for (int hidden : new int[] {1, 7, 16, 33}) {
          try (SoftmaxFixture fixture =
              new SoftmaxFixture(kernel(), precision(), positions, hidden, vocabulary)) {
            fixture.fill(1f);
            fixture.check(positions);
          }
        }
      }
    }
  }

  /** Shapes beyond and around the tiles of any variant. */
  @Test
  void softmaxEqualsTheOracleInRandomShapes() {
    long seed = 43;
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < 40; i++) {
      int positions = random.nextInt(1, 160);
      int hidden = random.nextInt(1, 120);
      int vocabulary = random.nextInt(1, 600);
      try (SoftmaxFixture fixture =
          new SoftmaxFixture(kernel(), precision(), positions, hidden, vocabulary)) {
        fixture.fill(1f);
        fixture.check(positions);
      }
    }
    try (SoftmaxFixture fixture = new SoftmaxFixture(kernel(), precision(), 70, 20, 5001)) {
      fixture.fill(1f);
      fixture.check(70);
    }
  }

  @Test
  void softmaxOfExtremeLogitsIsWhatTheOracleSays() {
    float[] extremes = {
      Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 1e30f, -1e30f, -0f, 150f
    };
    for (float extreme : extremes) {
      for (int element : new int[] {0, 15, 39}) {
        try (SoftmaxFixture fixture = new SoftmaxFixture(kernel(), precision(), 35, 9, 40)) {
          fixture.fill(1f);
          float[] bias = fixture.head.bias().toArray();
          bias[element] = extreme;
          fixture.head.bias().write(bias, 0);
          fixture.check(35);
        }
      }
    }
  }

  @Test
  void fewerPositionsThanPlannedMayBeUsed() {
    try (SoftmaxFixture fixture = new SoftmaxFixture(kernel(), precision(), 40, 9, 50)) {
      fixture.fill(3f);
      fixture.check(7);
    }
  }

  @Test
  void gradientsOfLogitsEqualTheOracleInEveryShape() {
    for (int outputs : new int[] {1, 7, 16, 40, 300}) {
      for (int positions : new int[] {1, 33, 70}) {
        for (int hidden : new int[] {9, 130}) {
          try (SoftmaxFixture fixture =
              new SoftmaxFixture(kernel(), precision(), positions, hidden, outputs)) {
            fixture.fill(1f);
            fixture.checkLogitsBackward(positions);
            fixture.checkLogitsBackward((positions + 1) / 2);
          }
        }
      }
    }
  }

  @Test
  void wrongLabelsAreRefused() {
    try (SoftmaxFixture fixture = new SoftmaxFixture(kernel(), precision(), 2, 3, 4)) {
      assertThatThrownBy(() -> kernel().softmaxLoss(fixture.head, 2, new int[] {0, -1}, 1f, true))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("element 1 is -1, expected 0 to 3");
    }
  }

  @Test
  void rowsAreGatheredScatteredAndZeroed() {
    int[] rows = {3, 0, 3, 4, 3};
    for (int columns : new int[] {1, 16, 21, 100}) {
      ArenaPlan plan = new ArenaPlan();
      Region tableRegion = plan.region("table", 1 + 5 * columns);
      Region outRegion = plan.padded("out", 5, columns);
      try (Arena arena = kernel().allocate(plan)) {
        Matrix table = tableRegion.dense(arena, 1, 5, columns);
        Matrix out = outRegion.padded(arena, 5, columns);
        LayerFixture.randomise(table, new SplittableRandom(3), 1f);
        float[] before = table.toArray();
        kernel().gatherRows(table, rows, 5, out);
        float[] gathered = out.toArray();
        float[] expected = before.clone();
        for (int i = 0; i < 5; i++) {
          for (int j = 0; j < columns; j++) {
            assertThat(gathered[i * columns + j]).isEqualTo(before[rows[i] * columns + j]);
            expected[rows[i] * columns + j] += gathered[i * columns + j];
          }
        }
        kernel().scatterAddRows(out, rows, 5, table);
        assertSame("scattered", table.toArray(), expected);
        kernel().zeroRows(table, rows, 4);
        Arrays.fill(expected, 3 * columns, 5 * columns, 0f);
        Arrays.fill(expected, 0, columns, 0f);
        assertSame("zeroed", table.toArray(), expected);
      }
    }
  }

  @Test
  void dropoutFollowsTheCounters() {
    PhiloxKey key = PhiloxKey.dropout(0x1234_5678_9abc_def0L, 77, 3, 2);
    for (int columns : new int[] {1, 7, 16, 33, 100}) {
      for (float rate : new float[] {0f, 0.2f, 0.5f, 0.999f}) {
        for (int period : new int[] {1, 2, 4, 6, 9}) {
          checkDropout(key, 6, period, columns, rate);
        }
      }
    }
  }

  private void checkDropout(PhiloxKey key, int rows, int period, int columns, float rate) {
    ArenaPlan plan = new ArenaPlan();
    Region inRegion = plan.padded("in", rows, columns);
    Region outRegion = plan.padded("out", rows, columns);
    try (Arena arena = kernel().allocate(plan)) {
      Matrix in = inRegion.padded(arena, rows, columns);
      Matrix out = outRegion.padded(arena, rows, columns);
      LayerFixture.randomise(in, new SplittableRandom(5), 1f);
      float[] expected = in.toArray();
      expected[0] = Float.NaN;
      expected[expected.length - 1] = -0f;
      in.write(expected, 0);
      long threshold = Math.round(rate * 0x1p32);
      for (int i = 0; i < expected.length; i++) {
        int index = i / columns % period * columns + i % columns;
        boolean kept = Integer.toUnsignedLong(key.word(index)) >= threshold;
        expected[i] = kept ? expected[i] * (1f / (1f - rate)) : 0f;
      }
      kernel().dropout(in, out, rows, period, rate, key);
      String what = "rate %s, %d columns, period %d".formatted(rate, columns, period);
      assertSame(what, out.toArray(), expected);
      kernel().dropout(in, in, rows, period, rate, key);
      assertSame(what + ", in place", LayerFixture.withPadding(in), LayerFixture.withPadding(out));
    }
  }

  /** Weights are dense: what lies before and after them stays. */
  @Test
  void dropoutOfADenseMatrixLeavesWhatIsAroundIt() {
    PhiloxKey key = PhiloxKey.recurrentWeightDropout(5, 6, 7, 8, 1);
    for (int columns : new int[] {1, 7, 33, 64}) {
      int rows = 5;
      int size = rows * columns;
      ArenaPlan plan = new ArenaPlan();
      Region region = plan.region("vector", 2L * size + 3);
      try (Arena arena = kernel().allocate(plan)) {
        Matrix vector = region.dense(arena, 0, 1, 2 * size + 3);
        LayerFixture.randomise(vector, new SplittableRandom(5), 1f);
        float[] expected = vector.toArray();
        for (int i = 0; i < size; i++) {
          boolean kept = Integer.toUnsignedLong(key.word(i)) >= Math.round(0.3f * 0x1p32);
          expected[size + 2 + i] = kept ? expected[1 + i] * (1f / (1f - 0.3f)) : 0f;
        }
        Matrix in = region.dense(arena, 1, rows, columns);
        Matrix out = region.dense(arena, size + 2, rows, columns);
        kernel().dropout(in, out, rows, rows, 0.3f, key);
        assertSame(columns + " columns", vector.toArray(), expected);
        System.arraycopy(expected, size + 2, expected, 1, size);
        kernel().dropout(in, in, rows, rows, 0.3f, key);
        assertSame(columns + " columns, in place", vector.toArray(), expected);
      }
    }
  }

  @Test
  void choicesAreThoseOfDropout() {
    PhiloxKey key = PhiloxKey.zoneout(7, 8, 9, 10, 1, 1);
    for (int columns : new int[] {1, 7, 16, 33, 64, 100, 650}) {
      int blocks = (columns + 15) / 16;
      int batch = columns % 5 * 5 + 1;
      ArenaPlan plan = new ArenaPlan();
      Region region = plan.padded("out", 4 * blocks, batch);
      try (Arena arena = kernel().allocate(plan)) {
        Matrix out = region.padded(arena, 4 * blocks, batch);
        LayerFixture.randomise(out, new SplittableRandom(5), 1f);
        float[] expected = out.toArray();
        Arrays.fill(expected, 0, 3 * blocks * batch, 0f);
        for (int i = 0; i < 3 * batch * columns; i++) {
          boolean kept = Integer.toUnsignedLong(key.word(i)) >= Math.round(0.3f * 0x1p32);
          int p = i / columns;
          int row = p / batch * blocks + i % columns / 16;
          expected[row * batch + p % batch] += kept ? 1 << i % columns % 16 : 0;
        }
        kernel().choose(out, 3, columns, 0.3f, key);
        assertSame(columns + " columns", out.toArray(), expected);
      }
    }
  }

  @Test
  void choicesNeedTheirRows() {
    PhiloxKey key = PhiloxKey.zoneout(7, 8, 9, 10, 1, 1);
    ArenaPlan plan = new ArenaPlan();
    Region region = plan.padded("out", 6, 5);
    try (Arena arena = kernel().allocate(plan)) {
      Matrix out = region.padded(arena, 6, 5);
      assertThatThrownBy(() -> kernel().choose(out, 2, 49, 0.3f, key))
          .hasMessageContaining("8 rows");
      assertThatThrownBy(() -> kernel().choose(out, 3, 48, 0.3f, key))
          .hasMessageContaining("9 rows");
      assertThatThrownBy(() -> kernel().choose(out, 2, 48, 1f, key)).hasMessageContaining("rate");
    }
  }

  @Test
  void differencesAreAddedAndRowsScaled() {
    for (int columns : new int[] {1, 16, 33, 100}) {
      for (float factor : new float[] {1f, -0.3f, 0f}) {
        checkSums(5, columns, factor);
      }
    }
  }

  private void checkSums(int rows, int columns, float factor) {
    ArenaPlan plan = new ArenaPlan();
    Region[] regions = new Region[3];
    for (int i = 0; i < 3; i++) {
      regions[i] = plan.padded("matrix " + i, rows + 1, columns);
    }
    try (Arena arena = kernel().allocate(plan)) {
      Matrix[] m = new Matrix[3];
      float[][] values = new float[3][];
      for (int i = 0; i < 3; i++) {
        m[i] = regions[i].padded(arena, rows + 1, columns);
        LayerFixture.randomise(m[i], new SplittableRandom(5 + i), 1f);
        values[i] = m[i].toArray();
      }
      values[0][0] = Float.NaN;
      values[1][1 % columns] = Float.POSITIVE_INFINITY;
      m[0].write(values[0], 0);
      m[1].write(values[1], 0);
      String what = "factor %s, %d columns".formatted(factor, columns);
      float[] expected = values[2].clone();
      for (int i = 0; i < rows * columns; i++) {
        expected[i] = Math.fma(factor, values[0][i] - values[1][i], expected[i]);
      }
      kernel().addDifference(m[0], m[1], rows, factor, m[2]);
      assertSame(what, m[2].toArray(), expected);
      for (int i = 0; i < rows * columns; i++) {
        expected[i] = Math.fma(factor, values[0][i], expected[i]);
      }
      kernel().addDifference(m[0], Matrix.absent(arena), rows, factor, m[2]);
      assertSame(what + ", one matrix", m[2].toArray(), expected);
      float[] factors = {0f, 1.25f, 0f, 3f, 0.1f};
      for (int i = 0; i < rows * columns; i++) {
        float by = factors[i / columns];
        expected[i] = by == 0 ? 0f : expected[i] * by;
      }
      kernel().scaleRows(m[2], rows, factors);
      assertSame(what + ", scaled", m[2].toArray(), expected);
      float[] padded = LayerFixture.withPadding(m[2]);
      for (int i = 0; i < padded.length; i++) {
        if (i % m[2].stride() >= columns) {
          assertThat(Float.floatToRawIntBits(padded[i])).isZero();
        }
      }
      assertThatThrownBy(() -> kernel().addDifference(m[0], m[1], rows + 2, 1f, m[2]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("Cannot add 7 rows");
      assertThatThrownBy(() -> kernel().scaleRows(m[2], 1, new float[] {-1f}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("by -1.0");
    }
  }

  @Test
  void sumOfSquaresAddsInSixteenLanes() {
    for (int size : SIZES) {
      ArenaPlan plan = new ArenaPlan();
      Region region = plan.region("vector", size + 3);
      try (Arena arena = kernel().allocate(plan)) {
        Matrix vector = region.dense(arena, 3, 1, size);
        LayerFixture.randomise(vector, new SplittableRandom(7), 1f);
        float[] values = vector.toArray();
        double[] lanes = new double[16];
        for (int i = 0; i < size; i++) {
          lanes[i % 16] += (double) values[i] * values[i];
        }
        assertThat(kernel().sumOfSquares(vector)).isEqualTo(combined(lanes));
        vector.range(size - 1L, 1).write(new float[] {Float.NaN}, 0);
        assertThat(kernel().sumOfSquares(vector)).isNaN();
      }
    }
  }

  private static double combined(double[] l) {
    double[] four = new double[4];
    for (int i = 0; i < 4; i++) {
      four[i] = (l[i] + l[i + 8]) + (l[i + 4] + l[i + 12]);
    }
    return (four[0] + four[2]) + (four[1] + four[3]);
  }

  @Test
  void rowsOfATableAreSummedAndUpdatedAsIfEachWereAlone() {
    ArenaPlan plan = new ArenaPlan();
    Region region = plan.region("two tables and their copies", 4 * 5 * 19);
    int[] rows = {3, 0, 4};
    GradientTransform transform = new GradientTransform(0.5f, 0f, 0f, 0f);
    UpdateRule.Sgd rule = new UpdateRule.Sgd(0.1f);
    try (Arena arena = kernel().allocate(plan)) {
      Matrix[] tables = new Matrix[4];
      for (int i = 0; i < 4; i++) {
        tables[i] = region.dense(arena, i * 95L, 5, 19);
        float[] values = new float[5 * 19];
        for (int element = 0; element < values.length; element++) {
          values[element] = (element * 37 + i % 2 * 11) % 101 - 50;
        }
        tables[i].write(values, 0);
      }
      double sum = 0;
      for (int row : rows) {
        sum += kernel().sumOfSquares(tables[1].rows(row, 1));
        kernel().update(tables[0].rows(row, 1), tables[1].rows(row, 1), List.of(), rule, transform);
      }
      kernel().updateRows(tables[2], tables[3], rows, 3, rule, transform);

      assertThat(kernel().sumOfSquares(tables[1], rows, 3)).isEqualTo(sum).isPositive();
      assertThat(tables[2].toArray()).isEqualTo(tables[0].toArray());
      assertThatThrownBy(() -> kernel().sumOfSquares(tables[1], new int[] {5}, 1))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void optimizersEqualTheirFormulas() {
    for (int size : SIZES) {
      for (float limit : new float[] {0f, 0.3f}) {
        for (float decay : new float[] {0f, 0.02f}) {
          GradientTransform transform = new GradientTransform(0.7f, limit, decay, decay / 2);
          new OptimizerFixture(kernel(), size, transform).checkAll();
        }
      }
    }
  }

  @Test
  void arenaStartsAtZeroAndKeepsWhatIsWritten() {
    ArenaPlan plan = new ArenaPlan();
    Region first = plan.region("first", 5);
    Region second = plan.region("second", 20);
    assertThat(second.offset()).isEqualTo(16);
    assertThat(plan.bytes()).isEqualTo(48 * 4);
    try (Arena arena = kernel().allocate(plan)) {
      assertThat(arena.floats()).isEqualTo(48);
      assertThat(first.vector(arena).toArray()).containsOnly(0f);
      second.vector(arena).range(3, 2).write(new float[] {7f, -0f}, 0);
      arena.copy(19, 0, 2);
      arena.fill(21, 3, 2f);
      assertThat(first.vector(arena).toArray()).containsExactly(7f, -0f, 0f, 0f, 0f);
      assertThat(second.vector(arena).range(3, 6).toArray())
          .containsExactly(7f, -0f, 2f, 2f, 2f, 0f);
    }
  }

  @Test
  void arenaRefusesWhatLiesOutsideAndAllUseAfterItIsClosed() {
    ArenaPlan plan = new ArenaPlan();
    plan.region("only", 16);
    Arena arena = kernel().allocate(plan);
    float[] one = new float[1];
    assertThatThrownBy(() -> arena.read(16, one, 0, 1))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> arena.write(0, one, 1, 1))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> arena.copy(0, 15, 2)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> arena.fill(15, 2, 0f)).isInstanceOf(IndexOutOfBoundsException.class);
    arena.close();
    arena.close();
    assertThatThrownBy(() -> arena.read(0, one, 0, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("after it was closed");
  }
}
