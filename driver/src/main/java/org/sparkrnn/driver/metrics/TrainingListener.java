package org.sparkrnn.driver.metrics;

import org.sparkrnn.worker.training.Measured;

/**
 * Hears what a run does, on the driver, between rounds. All methods return soon and change nothing
 * about the run; an exception ends it.
 */
public interface TrainingListener {

  /** Training begins, or goes on if {@code step} is not 0. */
  default void started(RunDescription run) {}

  /** A round has ended; it is not yet evaluated or saved. */
  default void roundEnded(RoundMetrics metrics) {}

  /** The validation split was evaluated after a round. */
  default void evaluated(long round, Measured evaluation, boolean best) {}

  /** A checkpoint is there. */
  default void checkpointSaved(long step, String path) {}

  /** Training has ended; the last of all calls. */
  default void ended(String reason) {}
}
