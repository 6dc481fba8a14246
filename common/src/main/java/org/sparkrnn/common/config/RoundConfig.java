package org.sparkrnn.common.config;

import java.io.Serializable;
import java.time.Duration;

/**
 * The group {@code round}.
 *
 * @param localSteps optimizer steps of every replica between two averages
 * @param timeout after which a round that has not ended is given up
 * @param inlineStateBytes carried state per replica up to which it travels through the driver
 */
public record RoundConfig(int localSteps, Duration timeout, long inlineStateBytes)
    implements Serializable {
  public RoundConfig {
    Checks.requirePositive("round.local-steps", localSteps);
    Checks.requirePositive("round.timeout", timeout);
    Checks.requireNotNegative("round.inline-state-bytes", inlineStateBytes);
  }
}
