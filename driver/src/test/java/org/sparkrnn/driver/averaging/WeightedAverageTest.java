package org.sparkrnn.driver.averaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.config.RoundConfig.Delta;
import org.sparkrnn.driver.averaging.RoundCut.Part;

class WeightedAverageTest {
  private static final float[] NONE = {};

  @Test
  void replicasCountByTheirWeight() {
    List<SlicePiece> pieces =
        List.of(piece(0, 3, new float[] {1, 8}), piece(1, 1, new float[] {5, 4}));
    assertThat(average(pieces, 2)).containsExactly(2, 7);
  }

  @Test
  void oneReplicaIsItsOwnAverageBitForBit() {
    long seed = 11;
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      float value = Float.intBitsToFloat(random.nextInt());
      if (Float.isNaN(value)) {
        continue;
      }
      long weight = 1 + (random.nextLong() >>> (1 + random.nextInt(62)) >>> 20);
      float[] average = average(List.of(piece(0, weight, new float[] {value})), 1);
      assertThat(average[0]).as("%s weighing %d", value, weight).isEqualTo(value);
    }
  }

  @Test
  void orderOfArrivalDoesNotMatter() {
    long seed = 12;
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    List<SlicePiece> pieces = new ArrayList<>();
    for (int replica = 0; replica < 9; replica++) {
      float[] values = new float[100];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(12)));
      }
      pieces.add(piece(replica, 1 + random.nextInt(1000), values));
    }
    float[] expected = average(pieces, 100);
    for (int arrival = 0; arrival < 20; arrival++) {
      Collections.shuffle(pieces, random);
      assertThat(average(pieces, 100)).containsExactly(expected);
    }
  }

  /** Whatever rows are left out of a message, the average must be that of whole ones. */
  @Test
  void equalValuesAverageToThatValueButForTheSignOfZero() {
    long seed = 13;
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 5_000; i++) {
      float value = Float.intBitsToFloat(random.nextInt());
      if (!Float.isFinite(value)) {
        continue;
      }
      List<SlicePiece> pieces = new ArrayList<>();
      for (int replica = 0; replica < 1 + random.nextInt(40); replica++) {
        pieces.add(piece(replica, 1 + (random.nextLong() >>> 21), new float[] {value}));
      }
      assertThat(average(pieces, 1)[0]).isEqualTo(value);
    }
    float[] zero =
        average(List.of(piece(0, 3, new float[] {-0f}), piece(1, 4, new float[] {-0f})), 1);
    assertThat(Float.floatToRawIntBits(zero[0])).isZero();
  }

  @Test
  void slicesCoverTheVectorOnceWhateverTheirCount() {
    for (int length : new int[] {0, 1, 7, 65_536, 65_537, 1_000_003, Integer.MAX_VALUE}) {
      for (int reducers : new int[] {1, 2, 7, 300}) {
        Slices slices = Slices.of(length, reducers);
        int next = 0;
        for (int slice = 0; slice < slices.count(); slice++) {
          assertThat(slices.from(slice)).isEqualTo(next);
          assertThat(slices.to(slice) - next).isBetween(1, Slices.LARGEST);
          next = slices.to(slice);
        }
        assertThat(next).isEqualTo(length);
      }
    }
  }

  private static SlicePiece piece(int replica, long weight, float[] values) {
    return new SlicePiece(replica, weight, EncodedSlice.exact(part(values.length), values, NONE));
  }

  private static float[] average(List<SlicePiece> pieces, int length) {
    return WeightedAverage.of(pieces, part(length), NONE);
  }

  private static Part part(int length) {
    return new Part(true, 0, length, EmbeddingRows.NONE, Delta.FLOAT32);
  }
}
