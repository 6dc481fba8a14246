package org.sparkrnn.common.config;

import java.io.Serializable;
import org.sparkrnn.common.errors.BadInputException;

/**
 * The group {@code schedule}: the learning rate as a function of epoch and global tokens.
 *
 * @param constantEpochs kind step: epochs before the first decrease
 * @param factor kinds step (per epoch) and plateau: what the rate is multiplied by
 * @param patience kind plateau: evaluations in a row that may bring no improvement
 * @param minLearningRate kinds cosine and plateau: where the rate ends
 * @param warmupTokens global tokens over which the rate rises from 0, every kind
 */
public record ScheduleConfig(
    Kind kind,
    int constantEpochs,
    double factor,
    int patience,
    double minLearningRate,
    long warmupTokens)
    implements Serializable {
  /** The shape of the curve. */
  public enum Kind {
    CONSTANT,
    STEP,
    COSINE,
    PLATEAU
  }

  public ScheduleConfig {
    Checks.requireNotNegative("schedule.constant-epochs", constantEpochs);
    if (!(factor > 0 && factor <= 1)) {
      throw new BadInputException("schedule.factor must be above 0 and at most 1, got " + factor);
    }
    Checks.requireNotNegative("schedule.patience", patience);
    Checks.requireNotNegative("schedule.min-learning-rate", minLearningRate);
    Checks.requireNotNegative("schedule.warmup-tokens", warmupTokens);
  }
}
