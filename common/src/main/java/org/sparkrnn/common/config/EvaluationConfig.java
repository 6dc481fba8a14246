package org.sparkrnn.common.config;

import java.io.Serializable;

/**
 * The group {@code evaluation}.
 *
 * @param streams streams that a split is cut into, 0: 1 for test, {@code batch.streams} else
 * @param everyRounds 0: at the end of every epoch and of the run only
 */
public record EvaluationConfig(int streams, int everyRounds) implements Serializable {
  public EvaluationConfig {
    Checks.requireNotNegative("evaluation.streams", streams);
    Checks.requireNotNegative("evaluation.every-rounds", everyRounds);
  }
}
