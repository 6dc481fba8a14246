package org.sparkrnn.worker.model;

import java.io.Serializable;
import org.sparkrnn.common.config.TaskConfig;
import org.sparkrnn.common.config.TaskConfig.Bidirectional;
import org.sparkrnn.common.config.TaskConfig.Pooling;
import org.sparkrnn.common.config.TaskConfig.Task;

/**
 * The part of an architecture that depends on what is predicted.
 *
 * @param outputs classes, or numbers that are predicted; 0 for a language model, which predicts its
 *     own vocabulary
 * @param dense whether a step is a row of numbers instead of a token
 */
public record TaskSpec(
    Task task, int outputs, boolean dense, Bidirectional bidirectional, Pooling pooling)
    implements Serializable {
  /** Predicts the next token. */
  public static final TaskSpec LANGUAGE_MODEL =
      new TaskSpec(Task.LANGUAGE_MODEL, 0, false, Bidirectional.NONE, Pooling.LAST);

  public TaskSpec {
    if ((task == Task.LANGUAGE_MODEL) != (outputs == 0) || outputs < 0) {
      throw new IllegalArgumentException(
          "Cannot describe the task %s with %d outputs".formatted(task, outputs));
    }
  }

  /** The task that settings ask for, with that many outputs. */
  public static TaskSpec of(TaskConfig config, int outputs, boolean dense) {
    return new TaskSpec(config.task(), outputs, dense, config.bidirectional(), config.pooling());
  }

  public boolean isOfSequences() {
    return task != Task.LANGUAGE_MODEL;
  }

  public boolean isBidirectional() {
    return bidirectional != Bidirectional.NONE;
  }

  /** Columns of the outputs of both directions of layers of that many units. */
  public int joined(int hidden) {
    return bidirectional == Bidirectional.CONCAT ? Math.multiplyExact(2, hidden) : hidden;
  }
}
