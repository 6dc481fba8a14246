package org.sparkrnn.driver.averaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkrnn.common.config.RoundConfig.Delta;
import org.sparkrnn.driver.averaging.RoundCut.Part;
import org.sparkrnn.worker.random.PhiloxKey;

class EncodedSliceTest {
  private static final long SEED = 31;
  private static final int LENGTH = 9000;

  /** 7000 elements in rows; slices of 256 elements cut most of them. */
  private static final EmbeddingRows ROWS = new EmbeddingRows(70, 100);

  private static final PhiloxKey KEY = PhiloxKey.delta(5, 12, 3);

  private final Random random = new Random(SEED);
  private final float[] start = new float[LENGTH];
  private final float[] trained = new float[LENGTH];

  EncodedSliceTest() {
    for (int i = 0; i < LENGTH; i++) {
      start[i] = (float) random.nextGaussian();
      // Every seventh row is touched, and everything behind the rows.
      boolean touched = i >= 7000 || i / 100 % 7 == 0;
      trained[i] = touched ? start[i] + (float) (0.01 * random.nextGaussian()) : start[i];
    }
    start[250] = -0f; // in an untouched row
    trained[250] = -0f;
    start[450] = -0f; // +0 differs in bits alone: the row is touched
    trained[450] = +0f;
    start[350] = Float.MIN_VALUE;
    trained[350] = Float.MIN_VALUE;
  }

  @Test
  void exactValuesComeBackBitForBitWhereverTheSliceIsCut() {
    for (int[] cut : new int[][] {{0, LENGTH}, {256, 512}, {6912, 7168}, {7168, 9000}, {0, 256}}) {
      Part part = part(Delta.FLOAT32, cut[0], cut[1]);
      float[] target = new float[LENGTH];
      EncodedSlice.of(part, trained, start, KEY).copyTo(target, part, start);
      for (int i = cut[0]; i < cut[1]; i++) {
        assertThat(Float.floatToRawIntBits(target[i]))
            .as("element %d", i)
            .isEqualTo(Float.floatToRawIntBits(trained[i]));
      }
    }
  }

  @Test
  void onlyTouchedRowsAreSent() {
    // Ten rows of a hundred, the one in which only the sign of a zero differs, the part behind.
    assertThat(bytes(Delta.FLOAT32, trained)).isEqualTo(4 * (1100 + 2000) + 8);
    // To the other encodings that sign is no difference; each has a scale for 256 elements.
    assertThat(bytes(Delta.BF16, trained)).isEqualTo(2 * (1000 + 2000) + 8);
    int scales = (LENGTH + 255) / 256;
    assertThat(bytes(Delta.INT8, trained)).isEqualTo(1000 + 2000 + 8 + 4 * scales);
  }

  @Test
  void whatIsNotSmallerIsSentWhole() {
    float[] everywhere = new float[LENGTH];
    for (int i = 0; i < LENGTH; i++) {
      everywhere[i] = start[i] + 1;
    }
    assertThat(bytes(Delta.FLOAT32, everywhere)).isEqualTo(4 * LENGTH);
    float[] scratch = new float[LENGTH];
    EncodedSlice.of(whole(Delta.FLOAT32), everywhere, start, KEY)
        .copyTo(scratch, whole(Delta.FLOAT32), start);
    assertThat(scratch).containsExactly(everywhere);
  }

  @Test
  void aTouchedElementIsEnoughToSendItsRow() {
    float[] one = start.clone();
    one[1234] = Math.nextUp(one[1234]);
    EncodedSlice slice = EncodedSlice.of(whole(Delta.FLOAT32), one, start, KEY);
    assertThat(slice.bytes()).isEqualTo(4 * (100 + 2000) + 2);
    float[] target = new float[LENGTH];
    slice.copyTo(target, whole(Delta.FLOAT32), start);
    assertThat(target).containsExactly(one);
  }

  /** The bits of an average must not depend on which of the two ways its pieces came. */
  @ParameterizedTest
  @EnumSource(Delta.class)
  void leavingRowsOutNeverShowsInTheAverage(Delta delta) {
    Part sparse = whole(delta);
    Part dense = new Part(true, 0, LENGTH, EmbeddingRows.NONE, delta);
    assertThat(EncodedSlice.of(sparse, trained, start, KEY).bytes())
        .isLessThan(EncodedSlice.of(dense, trained, start, KEY).bytes());
    float[] ofSparse = WeightedAverage.of(pieces(sparse), sparse, start);
    float[] ofDense = WeightedAverage.of(pieces(dense), dense, start);
    for (int i = 0; i < LENGTH; i++) {
      assertThat(Float.floatToRawIntBits(ofSparse[i]))
          .as("element %d", i)
          .isEqualTo(Float.floatToRawIntBits(ofDense[i]));
    }
  }

  @ParameterizedTest
  @EnumSource(Delta.class)
  void rowsThatNobodyTouchedAverageToTheStart(Delta delta) {
    float[] average = WeightedAverage.of(pieces(whole(delta)), whole(delta), start);
    for (int i = 100; i < 700; i++) {
      assertThat(average[i]).as("element %d", i).isEqualTo(i == 250 || i == 450 ? 0f : start[i]);
    }
  }

  @ParameterizedTest
  @EnumSource(Delta.class)
  void theCutOfAVectorNeverShows(Delta delta) {
    float[] whole = WeightedAverage.of(pieces(whole(delta)), whole(delta), start);
    Slices slices = new Slices(LENGTH, 7);
    for (int i = 0; i < slices.count(); i++) {
      Part part = part(delta, slices.from(i), slices.to(i));
      assertThat(WeightedAverage.of(pieces(part), part, start))
          .containsExactly(Arrays.copyOfRange(whole, part.from(), part.to()));
    }
  }

  @Test
  void bf16IsTheNearestOfItsNumbers() {
    Part part = whole(Delta.BF16);
    double[] deltas = new double[LENGTH];
    EncodedSlice.of(part, trained, start, KEY).addTo(deltas, 1, part, start);
    for (int i = 0; i < LENGTH; i++) {
      float difference = trained[i] - start[i];
      assertThat(deltas[i])
          .isBetween(difference - bound(difference), difference + bound(difference));
      assertThat(Float.floatToRawIntBits((float) deltas[i]) & 0xffff).isZero();
    }
  }

  /** Half a unit in the last of eight significant bits. */
  private static double bound(float difference) {
    return Math.abs(difference) * 0x1p-8;
  }

  @Test
  void int8IsWithinAStepOfItsBlocksScaleAndRightOnAverage() {
    int draws = 400;
    Part part = whole(Delta.INT8);
    double[] sums = new double[LENGTH];
    for (int step = 0; step < draws; step++) {
      double[] deltas = new double[LENGTH];
      EncodedSlice.of(part, trained, start, PhiloxKey.delta(5, step, 3))
          .addTo(deltas, 1, part, start);
      for (int i = 0; i < LENGTH; i++) {
        assertThat(Math.abs(deltas[i] - (trained[i] - start[i])))
            .isLessThanOrEqualTo(scale(i) * 1.0001);
        sums[i] += deltas[i];
      }
    }
    double squares = 0;
    for (int i = 7000; i < LENGTH; i++) {
      double error = (sums[i] / draws - (trained[i] - start[i])) / scale(i);
      squares += error * error;
    }
    // Variance of one draw is at most 1/4 and 1/6 on average; seeded, so no luck is involved.
    assertThat(squares / (LENGTH - 7000)).isLessThan(1.3 / 6 / draws);
  }

  @Test
  void int8IsTheSameForTheSameKeyAndAnotherForAnotherReplica() {
    Part part = whole(Delta.INT8);
    double[] first = new double[LENGTH];
    double[] again = new double[LENGTH];
    double[] other = new double[LENGTH];
    EncodedSlice.of(part, trained, start, KEY).addTo(first, 1, part, start);
    EncodedSlice.of(part, trained, start, KEY).addTo(again, 1, part, start);
    EncodedSlice.of(part, trained, start, PhiloxKey.delta(5, 12, 4)).addTo(other, 1, part, start);
    assertThat(again).containsExactly(first);
    assertThat(other).isNotEqualTo(first);
  }

  @Test
  void int8TakesTheLargestOfItsRangeAndDifferencesTooSmallForAScale() {
    float[] zeros = new float[512];
    float[] ends = new float[512];
    ends[0] = 1;
    ends[1] = -1;
    ends[300] = Float.MIN_VALUE; // over 127 it is zero
    Part part = new Part(true, 0, 512, EmbeddingRows.NONE, Delta.INT8);
    double[] deltas = new double[512];
    EncodedSlice.of(part, ends, zeros, KEY).addTo(deltas, 1, part, zeros);
    assertThat(deltas[0]).isEqualTo(127 * (double) (1f / 127));
    assertThat(deltas[1]).isEqualTo(-deltas[0]);
    assertThat(Arrays.stream(deltas).skip(2)).containsOnly(0.0);
  }

  private double scale(int element) {
    double largest = 0;
    int begin = element / 256 * 256;
    for (int i = begin; i < Math.min(LENGTH, begin + 256); i++) {
      largest = Math.max(largest, Math.abs(trained[i] - start[i]));
    }
    return largest / 127;
  }

  private int bytes(Delta delta, float[] vector) {
    return EncodedSlice.of(whole(delta), vector, start, KEY).bytes();
  }

  /** Of three replicas, of which one has not trained at all. */
  private List<SlicePiece> pieces(Part part) {
    float[] further = trained.clone();
    for (int i = 7500; i < 8500; i++) {
      further[i] *= 1.01f;
    }
    return List.of(
        new SlicePiece(0, 70, EncodedSlice.of(part, trained, start, PhiloxKey.delta(5, 12, 0))),
        new SlicePiece(1, 71, EncodedSlice.of(part, further, start, PhiloxKey.delta(5, 12, 1))),
        new SlicePiece(2, 33, EncodedSlice.of(part, start, start, PhiloxKey.delta(5, 12, 2))));
  }

  private static Part whole(Delta delta) {
    return part(delta, 0, LENGTH);
  }

  private static Part part(Delta delta, int from, int to) {
    return new Part(true, from, to, ROWS, delta);
  }
}
