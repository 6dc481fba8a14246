package org.sparkrnn.worker.kernel;

import org.sparkrnn.worker.random.Philox;
import org.sparkrnn.worker.random.PhiloxKey;

/** Which elements dropout keeps at a rate: those whose random word is at least rate·2³². */
final class KeptElements {
  private static final int WORDS = 4;

  private final PhiloxKey key;
  private final long threshold;
  private final int[] words = new int[WORDS];
  private long counter = -1; // of the words

  KeptElements(float rate, PhiloxKey key) {
    this.key = key;
    this.threshold = Math.round(rate * 0x1p32);
  }

  /** Words are computed four at a time: neighbours are best asked for one after the other. */
  boolean contains(long index) {
    if (index / WORDS != counter) {
      counter = index / WORDS;
      Philox.block((int) counter, key.step(), key.replica(), key.purpose(), key.seed(), words);
    }
    return Integer.toUnsignedLong(words[(int) (index % WORDS)]) >= threshold;
  }
}
