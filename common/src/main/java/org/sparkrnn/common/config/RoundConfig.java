package org.sparkrnn.common.config;

import java.io.Serializable;
import java.time.Duration;
import java.util.OptionalInt;

/**
 * The group {@code round}.
 *
 * @param localSteps optimizer steps of every replica between two averages
 * @param warmupSteps steps at the start of a run that one replica takes in the place of all
 * @param delta what a replica sends of its parameters
 * @param timeout after which a round that has not ended is given up
 * @param inlineStateBytes carried state per replica up to which it travels through the driver
 */
public record RoundConfig(
    int localSteps, int warmupSteps, Delta delta, Duration timeout, long inlineStateBytes)
    implements Serializable {
  /** What a replica sends to be averaged. */
  public enum Delta {
    /** Its parameters. */
    FLOAT32,
    /** How they differ from the round's start, rounded to bfloat16. */
    BF16,
    /** The same in eight bits, with a scale per block, rounded at random. */
    INT8
  }

  public RoundConfig {
    Checks.requirePositive("round.local-steps", localSteps);
    Checks.requireNotNegative("round.warmup-steps", warmupSteps);
    Checks.requirePositive("round.timeout", timeout);
    Checks.requireNotNegative("round.inline-state-bytes", inlineStateBytes);
  }

  /**
   * What the keys of the group mean for that many replicas.
   *
   * @param localSteps empty for {@code auto}
   * @param warmupSteps likewise; one replica has nothing to warm up for
   */
  static RoundConfig of(
      OptionalInt localSteps,
      OptionalInt warmupSteps,
      Delta delta,
      Duration timeout,
      long inlineStateBytes,
      int replicas) {
    return new RoundConfig(
        localSteps.orElse(ReplicaDefaults.localSteps(replicas)),
        warmupSteps.orElse(ReplicaDefaults.warmupSteps(replicas)),
        delta,
        timeout,
        inlineStateBytes);
  }
}
