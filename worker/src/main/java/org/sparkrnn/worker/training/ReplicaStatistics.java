package org.sparkrnn.worker.training;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * What a replica observed during a round. It travels in the result, so a task that ran twice counts
 * once.
 */
public final class ReplicaStatistics {
  private final long tokens;
  private final double lossSumNats;
  private final long steps;
  private final double gradientNormSum;
  private final double gradientNormMax;
  private final long clippedSteps;
  private final long computeNanos;
  private final String kernel;

  /**
   * @param tokens tokens trained on
   * @param lossSumNats sum of their losses, each before the update it caused
   * @param gradientNormSum sum over the steps of the norm before clipping
   * @param clippedSteps steps whose gradient {@code clipping.norm} shortened
   * @param kernel variant that ran
   */
  public ReplicaStatistics(
      long tokens,
      double lossSumNats,
      long steps,
      double gradientNormSum,
      double gradientNormMax,
      long clippedSteps,
      long computeNanos,
      String kernel) {
    this.tokens = tokens;
    this.lossSumNats = lossSumNats;
    this.steps = steps;
    this.gradientNormSum = gradientNormSum;
    this.gradientNormMax = gradientNormMax;
    this.clippedSteps = clippedSteps;
    this.computeNanos = computeNanos;
    this.kernel = kernel;
  }

  public long tokens() {
    return tokens;
  }

  public double lossSumNats() {
    return lossSumNats;
  }

  /** Mean loss per token; NaN if there was none. */
  public double lossNatsPerToken() {
    return lossSumNats / tokens;
  }

  public long steps() {
    return steps;
  }

  /** Mean gradient norm before clipping; 0 if there was no step. */
  public double gradientNormMean() {
    return steps == 0 ? 0 : gradientNormSum / steps;
  }

  public double gradientNormMax() {
    return gradientNormMax;
  }

  public long clippedSteps() {
    return clippedSteps;
  }

  public long computeNanos() {
    return computeNanos;
  }

  public String kernel() {
    return kernel;
  }

  /** Both together; compute times are added, the kernel is this one's. */
  public ReplicaStatistics plus(ReplicaStatistics other) {
    return new ReplicaStatistics(
        tokens + other.tokens,
        lossSumNats + other.lossSumNats,
        steps + other.steps,
        gradientNormSum + other.gradientNormSum,
        Math.max(gradientNormMax, other.gradientNormMax),
        clippedSteps + other.clippedSteps,
        computeNanos + other.computeNanos,
        kernel);
  }

  public void write(DataOutput out) throws IOException {
    out.writeLong(tokens);
    out.writeDouble(lossSumNats);
    out.writeLong(steps);
    out.writeDouble(gradientNormSum);
    out.writeDouble(gradientNormMax);
    out.writeLong(clippedSteps);
    out.writeLong(computeNanos);
    out.writeUTF(kernel);
  }

  public static ReplicaStatistics read(DataInput in) throws IOException {
    return new ReplicaStatistics(
        in.readLong(),
        in.readDouble(),
        in.readLong(),
        in.readDouble(),
        in.readDouble(),
        in.readLong(),
        in.readLong(),
        in.readUTF());
  }
}
