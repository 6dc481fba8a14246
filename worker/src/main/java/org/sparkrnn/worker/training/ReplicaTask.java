package org.sparkrnn.worker.training;

import java.io.Serializable;

/**
 * What one replica does in one round.
 *
 * @param replica its index
 * @param round rounds of the run before this one; for messages only
 * @param epoch from 0
 * @param firstStep step of the epoch it starts with; 0 starts from a zero hidden state
 * @param firstTime time step of its rows where that begins
 * @param steps local steps; those beyond the replica's rows are not taken
 * @param globalStepBase local steps of the run before this task, the same for all replicas
 * @param tokensBase tokens all replicas of the run had trained on before this epoch
 * @param averagingFrom local step after which NT-ASGD averages; −1 if it does not yet
 * @param plateauFactor what the plateau schedule multiplies the learning rate with
 */
public record ReplicaTask(
    int replica,
    long round,
    int epoch,
    long firstStep,
    long firstTime,
    int steps,
    long globalStepBase,
    long tokensBase,
    long averagingFrom,
    double plateauFactor)
    implements Serializable {}
