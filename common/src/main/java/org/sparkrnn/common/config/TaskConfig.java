package org.sparkrnn.common.config;

import java.io.Serializable;
import org.sparkrnn.common.errors.BadInputException;

/**
 * What of the group {@code model} says what is predicted, and from which directions.
 *
 * @param pooling for one prediction per sequence; without effect for others
 */
public record TaskConfig(Task task, Bidirectional bidirectional, Pooling pooling)
    implements Serializable {

  /** What a model predicts. */
  public enum Task {
    /** The next token of one stream of tokens. */
    LANGUAGE_MODEL,
    /** One of some classes for each sequence. */
    CLASSIFICATION,
    /** One of some classes for each step. */
    TAGGING,
    /** Numbers for each sequence. */
    REGRESSION
  }

  /** Whether layers read backwards too, and how both directions' outputs are put together. */
  public enum Bidirectional {
    NONE,
    /** Side by side, as PyTorch. */
    CONCAT,
    SUM
  }

  /** What of the last layer's outputs one prediction per sequence is made from. */
  public enum Pooling {
    /** The state of each direction after its last step. */
    LAST,
    MEAN,
    MAX
  }

  public TaskConfig {
    if (task == Task.LANGUAGE_MODEL && bidirectional != Bidirectional.NONE) {
      throw new BadInputException(
          "model.bidirectional must be none for model.task = language-model, got %s: reading backwards, it sees the token it is to predict"
              .formatted(Checks.text(bidirectional)));
    }
  }

  /** Whether a model reads sequences, each from its own start, not one stream of tokens. */
  public boolean isOfSequences() {
    return task != Task.LANGUAGE_MODEL;
  }

  /** Whether predictions are made from the sum of both directions' last states. */
  boolean addsLastStates() {
    boolean pooled = task == Task.CLASSIFICATION || task == Task.REGRESSION;
    return pooled && bidirectional == Bidirectional.SUM && pooling == Pooling.LAST;
  }
}
