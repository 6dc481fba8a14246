package org.sparkrnn.common.config;

import java.io.Serializable;

/**
 * The group {@code checkpoint}: where a run keeps its checkpoints, when it writes one, which stay.
 *
 * @param path folder of one run; empty if the caller names it elsewhere
 * @param everyRounds 0: at the end of every epoch and of the run only
 * @param keepLast how many of the newest stay
 * @param keepBest whether the one with the lowest validation loss stays besides
 */
public record CheckpointConfig(String path, int everyRounds, int keepLast, boolean keepBest)
    implements Serializable {
  public CheckpointConfig {
    Checks.requireNotNegative("checkpoint.every-rounds", everyRounds);
    Checks.requirePositive("checkpoint.keep-last", keepLast);
  }
}
