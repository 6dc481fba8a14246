package org.sparkrnn.common.config;

import java.io.Serializable;
import java.time.Duration;

/**
 * The group {@code training}: how many replicas, from which seed, and when to stop.
 *
 * @param maxRounds limit of the whole run, 0 for none
 * @param maxTokens limit of the whole run over all replicas, 0 for none
 * @param maxDuration limit of this process, 0 for none
 * @param patience evaluations in a row without improvement after which training stops, 0 for never
 * @param stopGrace how long a signal waits for the round to end
 */
public record RunConfig(
    int replicas,
    int epochs,
    long maxRounds,
    long maxTokens,
    Duration maxDuration,
    int patience,
    long seed,
    Duration stopGrace)
    implements Serializable {
  public RunConfig {
    Checks.requirePositive("training.replicas", replicas);
    Checks.requirePositive("training.epochs", epochs);
    Checks.requireNotNegative("training.max-rounds", maxRounds);
    Checks.requireNotNegative("training.max-tokens", maxTokens);
    Checks.requireNotNegative("training.max-duration", maxDuration);
    Checks.requireNotNegative("training.patience", patience);
    Checks.requireNotNegative("training.stop-grace", stopGrace);
  }
}
