package org.sparkrnn.driver.rounds;

import org.sparkrnn.worker.training.TrainingState;

/**
 * Where a run stands between two rounds: all that the next round and a checkpoint need.
 *
 * @param state counters, plan, best so far
 * @param outer parameters, and what the outer optimizer keeps beside them
 * @param replicas what each replica carries on
 */
record RunPosition(TrainingState state, OuterOptimizer outer, ReplicaStates replicas) {}
