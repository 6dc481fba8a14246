package org.sparkrnn.worker.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.sparkrnn.worker.random.PhiloxKey;

class WindowsTest {
  private static final Windows DRAWN = new Windows(70, true, 3);
  private static final int STEPS = 20_000;

  @Test
  void lengthsFollowTheCounters() {
    for (int step = 0; step < 100; step++) {
      PhiloxKey key = PhiloxKey.window(3, step);
      double a = (Integer.toUnsignedLong(key.word(2)) + 1) / Math.pow(2, 32);
      double b = (Integer.toUnsignedLong(key.word(3)) + 1) / Math.pow(2, 32);
      double normal = Math.sqrt(-2 * Math.log(a)) * Math.cos(2 * Math.PI * b);
      double mean = key.uniform(0) < 0.95 ? 70 : 35;
      assertThat(DRAWN.length(step)).isEqualTo((int) (mean + 5 * normal));
    }
  }

  @Test
  void lengthsAreDistributedAsSaid() {
    double halves = 0;
    double sum = 0;
    double squares = 0;
    for (int step = 0; step < STEPS; step++) {
      int length = DRAWN.length(step);
      assertThat(length).isBetween(5, DRAWN.longest());
      if (length < 52) { // 3.6 deviations from either mean
        halves++;
      } else {
        sum += length;
        squares += (double) length * length;
      }
      assertThat(DRAWN.rateFactor(step)).isEqualTo(length / 70.0);
    }
    double usual = STEPS - halves;
    double mean = sum / usual;
    assertThat(halves / STEPS).isCloseTo(0.05, within(0.006)); // 4 deviations
    assertThat(mean).isCloseTo(69.5, within(0.15)); // cut to integers; 4 deviations
    assertThat(Math.sqrt(squares / usual - mean * mean)).isCloseTo(5, within(0.15));
  }

  @Test
  void noneIsShorterThanFive() {
    Windows ten = new Windows(10, true, 3);
    int shortest = Integer.MAX_VALUE;
    for (int step = 0; step < STEPS; step++) {
      shortest = Math.min(shortest, ten.length(step));
    }
    assertThat(shortest).isEqualTo(5);
  }

  @Test
  void stepsAndTotalsAgree() {
    for (Windows windows : new Windows[] {DRAWN, new Windows(70, false, 3)}) {
      for (long time : new long[] {1, 69, 70, 71, 5000}) {
        int steps = windows.steps(17, time, Integer.MAX_VALUE);
        assertThat(windows.total(17, steps)).isGreaterThanOrEqualTo(time);
        assertThat(windows.total(17, steps - 1)).isLessThan(time);
        assertThat(windows.steps(17, time, 3)).isEqualTo(Math.min(3, steps));
      }
    }
    assertThat(new Windows(70, false, 3).longest()).isEqualTo(70);
    assertThat(new Windows(70, false, 3).rateFactor(2)).isEqualTo(1);
  }
}
