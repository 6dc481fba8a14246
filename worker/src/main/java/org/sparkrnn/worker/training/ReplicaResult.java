package org.sparkrnn.worker.training;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** What a replica hands back after a round. Nobody may write to the arrays. */
public final class ReplicaResult {
  private final float[] parameters;
  private final ReplicaState state;
  private final ReplicaStatistics statistics;

  public ReplicaResult(float[] parameters, ReplicaState state, ReplicaStatistics statistics) {
    this.parameters = parameters;
    this.state = state;
    this.statistics = statistics;
  }

  public float[] parameters() {
    return parameters;
  }

  public ReplicaState state() {
    return state;
  }

  public ReplicaStatistics statistics() {
    return statistics;
  }

  public void write(DataOutput out) throws IOException {
    FloatCodec.write(out, parameters);
    state.write(out);
    statistics.write(out);
  }

  public static ReplicaResult read(DataInput in) throws IOException {
    return new ReplicaResult(
        FloatCodec.read(in), ReplicaState.read(in), ReplicaStatistics.read(in));
  }
}
