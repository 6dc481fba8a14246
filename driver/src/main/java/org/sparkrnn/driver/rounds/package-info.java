/**
 * Training on Spark: the loop, its rounds, the averaging of the replicas and the outer step.
 *
 * <p>Read {@code Trainer}, then {@code TrainingRound}.
 */
@NullMarked
package org.sparkrnn.driver.rounds;

import org.jspecify.annotations.NullMarked;
