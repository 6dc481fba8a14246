package org.sparkrnn.driver.rounds;

import java.io.Serializable;

/**
 * How a vector is cut for averaging: {@code count} slices of nearly equal length, each of which one
 * reducer sums.
 *
 * <p>Every element is summed over the replicas by itself, so the cut never shows in the result.
 */
record Slices(int length, int count) implements Serializable {
  /** Below this a slice costs more to schedule than to sum. */
  static final int SMALLEST = 1 << 16;

  /** What one record of a shuffle may hold: 32 MiB, half of Kryo's default buffer. */
  static final int LARGEST = 1 << 23;

  Slices {
    if (length < 0 || count < 0 || (length > 0 && count == 0)) {
      throw new IllegalArgumentException(
          "Cannot cut %d values into %d slices".formatted(length, count));
    }
  }

  /** One slice per reducer, unless that makes them smaller or larger than is sensible. */
  static Slices of(int length, int reducers) {
    if (length == 0) {
      return new Slices(0, 0);
    }
    int sensible = Math.min(Math.max(1, reducers), ceilingOf(length, SMALLEST));
    return new Slices(length, Math.max(sensible, ceilingOf(length, LARGEST)));
  }

  int from(int slice) {
    return (int) ((long) length * slice / count);
  }

  int to(int slice) {
    return from(slice + 1);
  }

  private static int ceilingOf(int dividend, int divisor) {
    return (int) (((long) dividend + divisor - 1) / divisor);
  }
}
