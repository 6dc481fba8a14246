package org.sparkrnn.worker.training;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * What a replica carries from one round to the next beside the parameters: the hidden state of its
 * streams and the moments of its inner optimizer. Nobody may write to the arrays.
 */
public final class ReplicaState {
  private final float[] hidden;
  private final float[] moments;
  private final long optimizerSteps;

  /**
   * @param hidden for each layer {@code hidden [streams, hidden]}, then for an LSTM {@code cell} of
   *     the same shape; empty for zeros
   * @param moments the optimizer's vectors one after the other, each in the parameters' layout;
   *     empty for zeros
   * @param optimizerSteps updates the moments have seen (Adam's bias correction)
   */
  public ReplicaState(float[] hidden, float[] moments, long optimizerSteps) {
    this.hidden = hidden;
    this.moments = moments;
    this.optimizerSteps = optimizerSteps;
  }

  /** The state at the start of a run: zeros. */
  public static ReplicaState start() {
    return new ReplicaState(new float[0], new float[0], 0);
  }

  public float[] hidden() {
    return hidden;
  }

  public float[] moments() {
    return moments;
  }

  public long optimizerSteps() {
    return optimizerSteps;
  }

  /** The same hidden state with other moments. */
  public ReplicaState withMoments(float[] otherMoments, long steps) {
    return new ReplicaState(hidden, otherMoments, steps);
  }

  /** Bytes that {@link #write} writes, about. */
  public long bytes() {
    return 16L + 4L * hidden.length + 4L * moments.length;
  }

  public void write(DataOutput out) throws IOException {
    FloatCodec.write(out, hidden);
    FloatCodec.write(out, moments);
    out.writeLong(optimizerSteps);
  }

  public static ReplicaState read(DataInput in) throws IOException {
    return new ReplicaState(FloatCodec.read(in), FloatCodec.read(in), in.readLong());
  }
}
