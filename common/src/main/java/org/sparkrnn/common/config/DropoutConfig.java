package org.sparkrnn.common.config;

import java.io.Serializable;

/**
 * The settings of the group {@code model} that say what is zeroed or kept while training.
 *
 * @param dropout share of the elements on the non-recurrent connections
 * @param dropoutKind which masks are drawn
 * @param dropoutInputOrNaN see {@link #dropoutInput}
 * @param dropoutHiddenOrNaN see {@link #dropoutHidden}
 * @param dropoutOutputOrNaN see {@link #dropoutOutput}
 * @param embeddingDropout share of the embedding's rows
 * @param wordDropout share of the tokens
 * @param recurrentWeightDropout share of the weights from a hidden state to the next
 * @param zoneoutHidden share of the hidden states that stay as they were a step before
 * @param zoneoutCell likewise of the cell states
 */
public record DropoutConfig(
    double dropout,
    Kind dropoutKind,
    double dropoutInputOrNaN,
    double dropoutHiddenOrNaN,
    double dropoutOutputOrNaN,
    double embeddingDropout,
    double wordDropout,
    double recurrentWeightDropout,
    double zoneoutHidden,
    double zoneoutCell)
    implements Serializable {
  /** Which masks are drawn. */
  public enum Kind {
    /** Each position of a window has its own (Zaremba et al. 2014). */
    INDEPENDENT,
    /** All positions of a stream in a window have the same (Gal and Ghahramani 2016). */
    VARIATIONAL
  }

  public DropoutConfig {
    Checks.requireShare("model.dropout", dropout);
    Checks.requireShare("model.dropout-input", either(dropoutInputOrNaN, dropout));
    Checks.requireShare("model.dropout-hidden", either(dropoutHiddenOrNaN, dropout));
    Checks.requireShare("model.dropout-output", either(dropoutOutputOrNaN, dropout));
    Checks.requireShare("model.embedding-dropout", embeddingDropout);
    Checks.requireShare("model.word-dropout", wordDropout);
    Checks.requireShare("model.recurrent-weight-dropout", recurrentWeightDropout);
    Checks.requireShare("model.zoneout-hidden", zoneoutHidden);
    Checks.requireShare("model.zoneout-cell", zoneoutCell);
  }

  /** Share of the elements of the first layer's input; null in a file: {@code dropout}. */
  public double dropoutInput() {
    return either(dropoutInputOrNaN, dropout);
  }

  /** Likewise of every layer's output but the last one's. */
  public double dropoutHidden() {
    return either(dropoutHiddenOrNaN, dropout);
  }

  /** Likewise of the last layer's output. */
  public double dropoutOutput() {
    return either(dropoutOutputOrNaN, dropout);
  }

  private static double either(double value, double otherwise) {
    return Double.isNaN(value) ? otherwise : value;
  }
}
