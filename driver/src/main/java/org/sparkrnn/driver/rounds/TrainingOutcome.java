package org.sparkrnn.driver.rounds;

import java.util.Optional;
import org.sparkrnn.worker.training.TrainingState;

/**
 * How a run ended without an error.
 *
 * @param reason why it ended, for the user
 * @param state where it stands
 * @param checkpoint the folder of its newest checkpoint; empty if it was stopped before its first
 * @param finished whether there is nothing left to train
 */
public record TrainingOutcome(
    String reason, TrainingState state, Optional<String> checkpoint, boolean finished) {}
