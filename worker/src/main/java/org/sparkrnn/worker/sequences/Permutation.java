package org.sparkrnn.worker.sequences;

import org.sparkrnn.worker.random.Philox;
import org.sparkrnn.worker.random.Purpose;

/**
 * A random order of the numbers below a limit that needs no memory: a Feistel network of four
 * rounds over the next power of four (Luby and Rackoff 1988), applied again while its value is not
 * below the limit (Black and Rogaway 2002). Specified in docs/numerics.md, section 7.
 */
public final class Permutation {
  private static final int ROUNDS = 4;

  private final long size;
  private final long seed;
  private final int epoch;
  private final int halfBits;
  private final int[] words = new int[4];

  public Permutation(long size, long seed, int epoch) {
    this.size = size;
    this.seed = seed;
    this.epoch = epoch;
    int bits = 64 - Long.numberOfLeadingZeros(Math.max(1, size - 1));
    this.halfBits = (bits + 1) / 2;
  }

  /** The number at a place. */
  public long at(long place) {
    if (place < 0 || place >= size) {
      throw new IllegalArgumentException("Cannot find place %d of %d".formatted(place, size));
    }
    long value = place;
    do {
      value = once(value);
    } while (value >= size);
    return value;
  }

  private long once(long value) {
    long mask = (1L << halfBits) - 1;
    long left = value >>> halfBits;
    long right = value & mask;
    for (int round = 0; round < ROUNDS; round++) {
      Philox.block((int) right, epoch, round, Purpose.SEQUENCE_ORDER.code(), seed, words);
      long next = left ^ (Integer.toUnsignedLong(words[0]) & mask);
      left = right;
      right = next;
    }
    return left << halfBits | right;
  }
}
