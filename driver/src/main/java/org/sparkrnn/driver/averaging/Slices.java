package org.sparkrnn.driver.averaging;

import java.io.Serializable;

/**
 * How a vector is cut for averaging: {@code count} slices of nearly equal length, each of which one
 * reducer sums.
 *
 * <p>Every element is summed over the replicas by itself, so the cut never shows in the result.
 */
public record Slices(int length, int count) implements Serializable {
  /** Below this a slice costs more to schedule than to sum. */
  public static final int SMALLEST = 1 << 16;

  /** What one record of a shuffle may hold: 32 MiB, half of Kryo's default buffer. */
  public static final int LARGEST = 1 << 23;

  /** Slices begin at multiples of it, which is the length of {@link Int8Blocks}. */
  public static final int ALIGNMENT = 256;

  public Slices {
    if (length < 0 || count < 0 || (length > 0 && count == 0)) {
      throw new IllegalArgumentException(
          "Cannot cut %d values into %d slices".formatted(length, count));
    }
  }

  /** One slice per reducer, unless that makes them smaller or larger than is sensible. */
  public static Slices of(int length, int reducers) {
    if (length == 0) {
      return new Slices(0, 0);
    }
    int sensible = Math.min(Math.max(1, reducers), ceilingOf(length, SMALLEST));
    return new Slices(length, Math.max(sensible, ceilingOf(length, LARGEST)));
  }

  public int from(int slice) {
    long blocks = ceilingOf(length, ALIGNMENT);
    return (int) Math.min(length, blocks * slice / count * ALIGNMENT);
  }

  public int to(int slice) {
    return from(slice + 1);
  }

  /** Values of the longest slice; 0 if there is none. */
  public int longest() {
    return count == 0
        ? 0
        : Math.min(length, ceilingOf(ceilingOf(length, ALIGNMENT), count) * ALIGNMENT);
  }

  private static int ceilingOf(int dividend, int divisor) {
    return (int) (((long) dividend + divisor - 1) / divisor);
  }
}
