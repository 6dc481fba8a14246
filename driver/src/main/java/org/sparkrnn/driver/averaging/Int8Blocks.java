package org.sparkrnn.driver.averaging;

import org.sparkrnn.driver.averaging.RoundCut.Part;
import org.sparkrnn.worker.random.Philox;
import org.sparkrnn.worker.random.PhiloxKey;

/**
 * Differences in eight bits: blocks of 256 elements, counted from the vector's first, share a
 * scale, and a random number decides between the two nearest multiples of it, so that the expected
 * value is the difference itself; docs/numerics.md, section 11.
 */
final class Int8Blocks {
  /** Elements of a block. Slices begin at multiples of it, so the cut does not show. */
  static final int LENGTH = Slices.ALIGNMENT;

  private static final int LARGEST = 127;
  private static final int WORDS = 4;

  private Int8Blocks() {}

  /**
   * Encodes {@code vector − start}.
   *
   * @param codes out: one byte for each
   * @return the scale of each block
   */
  static float[] encode(
      Part part, float[] vector, int at, float[] start, PhiloxKey key, byte[] codes) {
    int from = part.from();
    int to = part.to();
    int shift = at - from; // from an element of start to the same of vector
    float[] scales = new float[(to - from + LENGTH - 1) / LENGTH];
    int[] words = new int[WORDS];
    for (int block = 0; block < scales.length; block++) {
      int begin = from + block * LENGTH;
      int end = Math.min(to, begin + LENGTH);
      float scale = scale(vector, shift, start, begin, end);
      scales[block] = scale;
      for (int i = begin; i < end && scale > 0; i++) {
        if (i % WORDS == 0) {
          Philox.block(i / WORDS, key.step(), key.replica(), key.purpose(), key.seed(), words);
        }
        codes[i - from] = code(vector[shift + i] - start[i], scale, words[i % WORDS]);
      }
    }
    return scales;
  }

  private static float scale(float[] vector, int shift, float[] start, int begin, int end) {
    float largest = 0;
    for (int i = begin; i < end; i++) {
      largest = Math.max(largest, Math.abs(vector[shift + i] - start[i]));
    }
    return largest / LARGEST;
  }

  /** One of the two multiples around it, the nearer the likelier. */
  private static byte code(float difference, float scale, int word) {
    double position = difference / (double) scale;
    double uniform = Integer.toUnsignedLong(word) * 0x1p-32;
    return (byte) Math.max(-LARGEST, Math.min(LARGEST, Math.floor(position + uniform)));
  }
}
