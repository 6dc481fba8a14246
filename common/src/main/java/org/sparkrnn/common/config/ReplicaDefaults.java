package org.sparkrnn.common.config;

import org.sparkrnn.common.config.OuterConfig.Kind;

/**
 * What {@code auto} means for a number of replicas, such that as many tokens lead to the perplexity
 * of one replica: docs/scaling.md has the measurements.
 */
final class ReplicaDefaults {
  /** Replicas up to which plain averages from the start do. */
  private static final int MOST_AVERAGED = 4;

  private static final int GLOBAL_STREAMS = 20;
  private static final int LOCAL_STEPS_OF_ONE = 200;
  private static final int LOCAL_STEPS = 100;
  private static final int WARMUP_STEPS = 500;

  private ReplicaDefaults() {}

  /** {@code batch.global-streams} where {@code batch.streams} is {@code auto} too. */
  static int globalStreams() {
    return GLOBAL_STREAMS;
  }

  /** {@code batch.streams}: an epoch has about as many steps as with one replica. */
  static int streams(int globalStreams, int replicas) {
    return Math.max(1, (int) Math.round((double) globalStreams / replicas));
  }

  /** {@code round.local-steps}. */
  static int localSteps(int replicas) {
    return replicas == 1 ? LOCAL_STEPS_OF_ONE : LOCAL_STEPS;
  }

  /** {@code round.warmup-steps}. */
  static int warmupSteps(int replicas) {
    return replicas > MOST_AVERAGED ? WARMUP_STEPS : 0;
  }

  /** {@code outer.kind}. */
  static Kind outerKind(int replicas) {
    return replicas > MOST_AVERAGED ? Kind.NESTEROV : Kind.AVERAGE;
  }
}
