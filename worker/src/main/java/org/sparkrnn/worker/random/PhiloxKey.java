package org.sparkrnn.worker.random;

/**
 * Names one stream of random words: everything of key and counter but the element's index.
 *
 * @param seed {@code training.seed}
 * @param step local step since the start of training; 0 for initialisation
 * @param replica replica; the FNV-1a hash of the block's name for initialisation
 * @param purpose {@link Purpose#code()} or {@link Purpose#at}
 */
public record PhiloxKey(long seed, int step, int replica, int purpose) {

  /** The stream that initialises a parameter block. */
  public static PhiloxKey initialisation(long seed, String block) {
    return new PhiloxKey(seed, 0, Philox.fnv1a32(block), Purpose.INITIALISATION.code());
  }

  /**
   * The dropout mask of one local step at one place of the model, places counted from the input.
   */
  public static PhiloxKey dropout(long seed, int step, int replica, int place) {
    return new PhiloxKey(seed, step, replica, Purpose.DROPOUT.at(place));
  }

  /** The stream that draws the length of a local step's window, the same for all replicas. */
  public static PhiloxKey window(long seed, int step) {
    return new PhiloxKey(seed, step, 0, Purpose.WINDOW.code());
  }

  /** The stream that drops tokens of a local step's window; the index is the position. */
  public static PhiloxKey wordDropout(long seed, int step, int replica) {
    return new PhiloxKey(seed, step, replica, Purpose.WORD_DROPOUT.code());
  }

  /** The stream that drops rows of the embedding in a local step; the index is the row. */
  public static PhiloxKey embeddingDropout(long seed, int step, int replica) {
    return new PhiloxKey(seed, step, replica, Purpose.EMBEDDING_DROPOUT.code());
  }

  /** The stream that draws words of a local step's sampled softmax; the index is the draw. */
  public static PhiloxKey softmaxSample(long seed, int step, int replica) {
    return new PhiloxKey(seed, step, replica, Purpose.SOFTMAX_SAMPLE.code());
  }

  /**
   * The stream that drops recurrent weights of a layer in a local step; the index is the element of
   * {@code weight_hh}.
   *
   * @param direction 0 forwards, 1 backwards
   */
  public static PhiloxKey recurrentWeightDropout(
      long seed, int step, int replica, int layer, int direction) {
    int purpose = Purpose.RECURRENT_WEIGHT_DROPOUT.at(2 * layer + direction);
    return new PhiloxKey(seed, step, replica, purpose);
  }

  /**
   * The stream that chooses which units of a layer keep a state in a local step; the index is
   * {@code (step·streams + stream)·units + unit}.
   *
   * @param direction 0 forwards, 1 backwards
   * @param state 0 the hidden state, 1 the cell state
   */
  public static PhiloxKey zoneout(
      long seed, int step, int replica, int layer, int direction, int state) {
    int purpose = Purpose.ZONEOUT.at(4 * layer + 2 * direction + state);
    return new PhiloxKey(seed, step, replica, purpose);
  }

  /** The stream that rounds what a replica sends after a round that began at {@code step}. */
  public static PhiloxKey delta(long seed, int step, int replica) {
    return new PhiloxKey(seed, step, replica, Purpose.DELTA.code());
  }

  /** The stream that chooses tokens of a generated text; the index is the token's position. */
  public static PhiloxKey sampling(long seed) {
    return new PhiloxKey(seed, 0, 0, Purpose.SAMPLING.code());
  }

  /** Random word of element {@code index}: output word {@code index mod 4} of its counter. */
  public int word(long index) {
    return Philox.word(index, step, replica, purpose, seed);
  }

  /** Uniform in [-1, 1) with 24 bits of a word: {@code 2·(word >>> 8)·2⁻²⁴ − 1}. */
  public static float symmetricUniform(int word) {
    return (word >>> 8) * 0x1p-23f - 1f;
  }

  /** Of the standard normal distribution, from two words (Box and Muller 1958). */
  public static double normal(int radius, int angle) {
    return StrictMath.sqrt(-2 * StrictMath.log(above0(radius)))
        * StrictMath.cos(2 * Math.PI * above0(angle));
  }

  /** In (0, 1], so that its logarithm is finite. */
  private static double above0(int word) {
    return (Integer.toUnsignedLong(word) + 1) * 0x1p-32;
  }

  /** Uniform in [0, 1) with 32 bits. */
  public double uniform(long index) {
    return Integer.toUnsignedLong(word(index)) * 0x1p-32;
  }
}
