package org.sparkrnn.driver.cost;

import org.sparkrnn.common.config.OptimizerConfig;
import org.sparkrnn.common.config.OuterConfig;
import org.sparkrnn.common.config.RoundConfig.Delta;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.driver.averaging.Slices;
import org.sparkrnn.driver.memory.RoundMemory;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.Plan;
import org.sparkrnn.worker.training.ReplicaTrainer;
import org.sparkrnn.worker.training.StepRate;

/**
 * What a round has to do, whatever the machines.
 *
 * @param replicas W
 * @param parameters N
 * @param averagedMoments vectors that are averaged beside the parameters
 * @param delta what is sent of the parameters
 * @param nesterov whether the outer step has a momentum
 * @param localSteps of every replica
 * @param stepsPerEpoch which a round does not exceed
 * @param stepSeconds of a local step on one core
 * @param stateFloats that a replica carries and a checkpoint holds
 * @param roundsPerCheckpoint at least 1
 */
public record RoundWork(
    int replicas,
    long parameters,
    int averagedMoments,
    Delta delta,
    boolean nesterov,
    long localSteps,
    long stepsPerEpoch,
    double stepSeconds,
    long stateFloats,
    double roundsPerCheckpoint) {

  /** That of a training. */
  public static RoundWork of(TrainingConfig config, ModelSpec spec, Plan plan, StepRate rate) {
    boolean averages = config.optimizer().state() == OptimizerConfig.State.AVERAGE;
    long stepsPerEpoch = Math.max(1, plan.steps());
    long localSteps = Math.min(stepsPerEpoch, config.round().localSteps());
    double roundsPerEpoch = Math.ceil((double) stepsPerEpoch / localSteps);
    int every = config.checkpoint().everyRounds();
    return new RoundWork(
        plan.replicas(),
        spec.layout().size(),
        averages ? ReplicaTrainer.momentVectors(config) : 0,
        plan.replicas() == 1 ? Delta.FLOAT32 : config.round().delta(),
        config.outer().kind() == OuterConfig.Kind.NESTEROV,
        localSteps,
        stepsPerEpoch,
        rate.secondsPerStep(config, spec),
        RoundMemory.stateBytes(config, spec) / Float.BYTES,
        every == 0 ? roundsPerEpoch : Math.min(every, roundsPerEpoch));
  }

  RoundWork withReplicas(int others) {
    return new RoundWork(
        others,
        parameters,
        averagedMoments,
        others == 1 ? Delta.FLOAT32 : delta,
        nesterov,
        localSteps,
        stepsPerEpoch,
        stepSeconds,
        stateFloats,
        roundsPerCheckpoint);
  }

  RoundWork withLocalSteps(long others) {
    return new RoundWork(
        replicas,
        parameters,
        averagedMoments,
        delta,
        nesterov,
        others,
        stepsPerEpoch,
        stepSeconds,
        stateFloats,
        roundsPerCheckpoint);
  }

  /** Reducers. */
  int slices() {
    int length = (int) parameters;
    return Slices.of(length, replicas).count()
        + Slices.of(Math.multiplyExact(averagedMoments, length), replicas).count();
  }

  /** By all replicas, if they have touched every row of the embedding. */
  double sentBytes() {
    double each =
        switch (delta) {
          case FLOAT32 -> Float.BYTES;
          case BF16 -> Short.BYTES;
          case INT8 -> Byte.BYTES + (double) Float.BYTES / Slices.ALIGNMENT;
        };
    return replicas * parameters * (each + (double) averagedMoments * Float.BYTES);
  }

  double savedFloats() {
    double vectors = 1.0 + (nesterov ? 2 : 0) + averagedMoments;
    return vectors * parameters + (double) replicas * stateFloats;
  }
}
