package org.sparkrnn.worker.training;

import org.sparkrnn.common.config.BatchConfig.WindowLengths;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.worker.random.Philox;
import org.sparkrnn.worker.random.PhiloxKey;

/**
 * How many time steps the window of each local step has, the same for all replicas: {@code length},
 * or drawn as in AWD-LSTM (Merity, Keskar and Socher 2018), a function of seed and local step.
 *
 * <p>A step of a model of sequences counts as one time step of its replica's row.
 *
 * @param length of a window, or what drawn ones lie around
 */
record Windows(int length, boolean drawn, long seed) {
  private static final double USUAL = 0.95;
  private static final double DEVIATION = 5;
  private static final int SHORTEST = 5;

  /** Deviations beyond which no 32 bits lead: √(2·32·ln 2) is 6.66. */
  private static final double FARTHEST = 6.7;

  static Windows of(TrainingConfig config) {
    if (config.task().isOfSequences()) {
      return new Windows(1, false, 0);
    }
    boolean drawn = config.batch().windowLengths() == WindowLengths.DRAWN;
    return new Windows(config.batch().window(), drawn, config.training().seed());
  }

  /**
   * Time steps of a local step's window.
   *
   * @param step local step since the start of the run
   */
  int length(long step) {
    if (!drawn) {
      return length;
    }
    PhiloxKey key = PhiloxKey.window(seed, (int) step);
    int[] words = new int[4];
    Philox.block(0, key.step(), key.replica(), key.purpose(), seed, words);
    double mean = Integer.toUnsignedLong(words[0]) * 0x1p-32 < USUAL ? length : length / 2.0;
    return Math.max(SHORTEST, (int) (mean + DEVIATION * PhiloxKey.normal(words[2], words[3])));
  }

  /** What no window exceeds. */
  int longest() {
    return drawn ? Math.addExact(length, (int) (FARTHEST * DEVIATION)) : length;
  }

  /** What a step's learning rate is multiplied by. */
  double rateFactor(long step) {
    return drawn ? (double) length(step) / length : 1;
  }

  /** Time steps of the windows of {@code count} steps from one on. */
  long total(long step, int count) {
    if (!drawn) {
      return (long) length * count;
    }
    long total = 0;
    for (int i = 0; i < count; i++) {
      total += length(step + i);
    }
    return total;
  }

  /** Steps from one on that it takes to go through so many time steps, at most {@code most}. */
  int steps(long step, long time, int most) {
    if (!drawn) {
      return (int) Math.min(most, (time + length - 1) / length);
    }
    int steps = 0;
    for (long left = time; left > 0 && steps < most; steps++) {
      left -= length(step + steps);
    }
    return steps;
  }
}
