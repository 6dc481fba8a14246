package org.sparkrnn.driver.averaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class WeightedAverageTest {

  @Test
  void replicasCountByTheirWeight() {
    List<SlicePiece> pieces =
        List.of(new SlicePiece(0, 3, new float[] {1, 8}), new SlicePiece(1, 1, new float[] {5, 4}));
    assertThat(WeightedAverage.of(pieces)).containsExactly(2, 7);
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
      float[] average = WeightedAverage.of(List.of(new SlicePiece(0, weight, new float[] {value})));
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
      pieces.add(new SlicePiece(replica, 1 + random.nextInt(1000), values));
    }
    float[] expected = WeightedAverage.of(pieces);
    for (int arrival = 0; arrival < 20; arrival++) {
      Collections.shuffle(pieces, random);
      assertThat(WeightedAverage.of(pieces)).containsExactly(expected);
    }
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
}
