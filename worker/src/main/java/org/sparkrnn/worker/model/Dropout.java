package org.sparkrnn.worker.model;

import java.io.Serializable;
import org.sparkrnn.common.config.DropoutConfig;
import org.sparkrnn.common.config.DropoutConfig.Kind;
import org.sparkrnn.worker.kernel.Zoneout;

/**
 * Shares of what is zeroed while training, the rest scaled up, and of what stays as it was;
 * docs/numerics.md, section 6.
 *
 * @param kind whether every position of a window has a mask of its own (Zaremba et al. 2014) or all
 *     positions of a stream the same (Gal and Ghahramani 2016)
 * @param input of the first layer's input
 * @param hidden of the output of every layer but the last
 * @param output of the last layer's output
 * @param embedding of the embedding's rows, the same in the whole window
 * @param word of the tokens
 * @param recurrentWeights of the weights from a hidden state to the next, the same at all steps of
 *     a window
 * @param zoneout of the states that stay as they were a step before
 */
public record Dropout(
    Kind kind,
    float input,
    float hidden,
    float output,
    float embedding,
    float word,
    float recurrentWeights,
    Zoneout zoneout)
    implements Serializable {

  /** Without zoneout. */
  public Dropout(
      Kind kind,
      float input,
      float hidden,
      float output,
      float embedding,
      float word,
      float recurrentWeights) {
    this(kind, input, hidden, output, embedding, word, recurrentWeights, Zoneout.NONE);
  }

  /** Of the first layer's input and of every layer's output. */
  static Dropout of(float input, float rate) {
    return new Dropout(Kind.INDEPENDENT, input, rate, rate, 0, 0, 0);
  }

  static Dropout of(DropoutConfig config, boolean oneHot) {
    return new Dropout(
        config.dropoutKind(),
        oneHot ? 0 : (float) config.dropoutInput(),
        (float) config.dropoutHidden(),
        (float) config.dropoutOutput(),
        (float) config.embeddingDropout(),
        (float) config.wordDropout(),
        (float) config.recurrentWeightDropout(),
        new Zoneout((float) config.zoneoutHidden(), (float) config.zoneoutCell()));
  }

  /** Whether a model in training draws anything. */
  public boolean isActive() {
    return input > 0
        || hidden > 0
        || output > 0
        || dropsRows()
        || recurrentWeights > 0
        || zoneout.isActive();
  }

  /** Whether whole vectors are dropped before the first layer. */
  public boolean dropsRows() {
    return embedding > 0 || word > 0;
  }

  /**
   * The rate at a place: 0 the first layer's input, l the output of the l-th of {@code layers}
   * layers.
   */
  public float rate(int place, int layers) {
    if (place == 0) {
      return input;
    }
    return place < layers ? hidden : output;
  }
}
