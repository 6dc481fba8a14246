package org.sparkrnn.common.config;

import java.io.Serializable;
import java.time.Duration;

/**
 * The group {@code round}.
 *
 * @param localSteps optimizer steps of every replica between two averages
 * @param warmupSteps steps at the start of a run that are averaged one by one
 * @param timeout after which a round that has not ended is given up
 * @param inlineStateBytes carried state per replica up to which it travels through the driver
 */
public record RoundConfig(int localSteps, long warmupSteps, Duration timeout, long inlineStateBytes)
    implements Serializable {
  public RoundConfig {
    Checks.requirePositive("round.local-steps", localSteps);
    Checks.requireNotNegative("round.warmup-steps", warmupSteps);
    Checks.requirePositive("round.timeout", timeout);
    Checks.requireNotNegative("round.inline-state-bytes", inlineStateBytes);
  }
}
