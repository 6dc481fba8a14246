package org.sparkrnn.worker.random;

import java.nio.charset.StandardCharsets;

/**
 * Philox 4×32 with ten rounds (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as
 * easy as 1, 2, 3"): a bijection of a 128-bit counter under a 64-bit key.
 *
 * <p>Counter words here: {@code index / 4, step, replica, purpose}; the key is the seed, low word
 * first. Element {@code index} uses output word {@code index mod 4}.
 */
public final class Philox {
  private static final int ROUNDS = 10;
  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;
  private static final int WEYL_0 = 0x9E3779B9;
  private static final int WEYL_1 = 0xBB67AE85;

  private Philox() {}

  /**
   * Writes the four output words of one counter.
   *
   * @param key low word in the low half
   */
  public static void block(
      int counter0, int counter1, int counter2, int counter3, long key, int[] output) {
    int c0 = counter0;
    int c1 = counter1;
    int c2 = counter2;
    int c3 = counter3;
    int key0 = (int) key;
    int key1 = (int) (key >>> 32);
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = MULTIPLIER_0 * Integer.toUnsignedLong(c0);
      long product1 = MULTIPLIER_1 * Integer.toUnsignedLong(c2);
      c0 = (int) (product1 >>> 32) ^ c1 ^ key0;
      c1 = (int) product1;
      c2 = (int) (product0 >>> 32) ^ c3 ^ key1;
      c3 = (int) product0;
      key0 += WEYL_0;
      key1 += WEYL_1;
    }
    output[0] = c0;
    output[1] = c1;
    output[2] = c2;
    output[3] = c3;
  }

  static int word(long index, int step, int replica, int purpose, long seed) {
    int[] output = new int[4];
    block((int) (index >>> 2), step, replica, purpose, seed, output);
    return output[(int) (index & 3)];
  }

  /** FNV-1a hash, 32 bits, of the UTF-8 bytes (Fowler, Noll and Vo 1991). */
  public static int fnv1a32(String text) {
    int hash = 0x811C9DC5;
    for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (each & 0xFF)) * 0x01000193;
    }
    return hash;
  }
}
