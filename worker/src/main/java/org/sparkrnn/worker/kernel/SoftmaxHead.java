package org.sparkrnn.worker.kernel;

import org.sparkrnn.worker.kernel.ArenaPlan.Region;

/**
 * The buffers of the output layer: {@code logits = hidden·weightᵀ + bias}, softmax, cross-entropy.
 * The logits of all positions never exist at once.
 *
 * @param positions largest number of positions of one call
 * @param weights {@code output.weight [vocabulary, hidden]}, dense
 * @param bias {@code output.bias [1, vocabulary]}, dense
 * @param dWeights overwritten; absent if gradients are never asked for
 * @param dBias likewise
 * @param hidden {@code [positions, hidden]}, padded; read
 * @param dHidden {@code [positions, hidden]}, padded; overwritten; absent like {@code dWeights}
 * @param statistics {@code [positions, 3]}, dense; written: largest logit, Σ exp(logit − largest),
 *     logit of the label
 * @param packed private to the kernel: {@link Kernel#softmaxFloats} floats, written by {@link
 *     Kernel#packOutput}; also its scratch memory
 */
public record SoftmaxHead(
    int positions,
    Matrix weights,
    Matrix bias,
    Matrix dWeights,
    Matrix dBias,
    Matrix hidden,
    Matrix dHidden,
    Matrix statistics,
    Region packed) {
  public static final int STATISTICS = 3;

  public SoftmaxHead {
    int vocabulary = weights.rows();
    int units = weights.columns();
    Checks.sameArena(hidden, weights, bias, dWeights, dBias, dHidden, statistics);
    Checks.dense("output.weight", weights, vocabulary, units);
    Checks.dense("output.bias", bias, 1, vocabulary);
    Checks.padded("hidden", hidden, positions, units);
    Checks.dense("statistics", statistics, positions, STATISTICS);
    if (!dWeights.isAbsent()) {
      Checks.dense("output.weight's gradient", dWeights, vocabulary, units);
      Checks.dense("output.bias's gradient", dBias, 1, vocabulary);
      Checks.padded("dHidden", dHidden, positions, units);
    }
  }

  public int vocabulary() {
    return weights.rows();
  }

  public int hiddenUnits() {
    return weights.columns();
  }

  /**
   * Cross-entropy in nats of the first positions after {@link Kernel#softmaxLoss}: {@code log(Σ) +
   * largest − label's logit} in double, by {@code StrictMath}.
   *
   * @param copy takes the statistics of these positions
   */
  public void losses(int count, float[] copy, double[] target) {
    statistics.rows(0, count).read(copy, 0);
    for (int p = 0; p < count; p++) {
      target[p] = loss(copy, p);
    }
  }

  /** Sum of {@link #losses} in position order. */
  public double lossSum(int count, float[] copy) {
    statistics.rows(0, count).read(copy, 0);
    double sum = 0;
    for (int p = 0; p < count; p++) {
      sum += loss(copy, p);
    }
    return sum;
  }

  private static double loss(float[] values, int position) {
    double largest = values[position * STATISTICS];
    double sum = values[position * STATISTICS + 1];
    double label = values[position * STATISTICS + 2];
    return StrictMath.log(sum) + largest - label;
  }

  /** Sums of squares of the first positions after {@link Kernel#squaredLoss}, per output. */
  public void squaredErrors(int count, float[] copy, double[] target) {
    statistics.rows(0, count).read(copy, 0);
    for (int p = 0; p < count; p++) {
      target[p] = squaredError(copy, p);
    }
  }

  private double squaredError(float[] values, int position) {
    return (double) values[position * STATISTICS] / vocabulary();
  }

  /** Sum of {@link #squaredErrors} in their order. */
  public double squaredErrorSum(int count, float[] copy) {
    statistics.rows(0, count).read(copy, 0);
    double sum = 0;
    for (int p = 0; p < count; p++) {
      sum += squaredError(copy, p);
    }
    return sum;
  }

  void checkSquaredLoss(int count, Matrix targets, boolean gradients) {
    Checks.atMost("positions", count, positions);
    Checks.sameArena(weights, targets);
    if (targets.rows() < count || targets.columns() != vocabulary()) {
      throw new IllegalArgumentException(
          "Cannot use targets of shape %s: expected [%d, %d]"
              .formatted(targets.shape(), count, vocabulary()));
    }
    if (gradients) {
      checkGradients();
    }
  }

  void checkLoss(int count, int[] labels, boolean gradients) {
    Checks.atMost("positions", count, positions);
    Checks.indices("labels", labels, count, vocabulary());
    if (gradients) {
      checkGradients();
    }
  }

  void checkLogitsBackward(int count, Matrix dLogits) {
    Checks.atMost("positions", count, positions);
    Checks.sameArena(weights, dLogits);
    Checks.padded("dLogits", dLogits, dLogits.rows(), vocabulary());
    if (dLogits.rows() < count) {
      throw new IllegalArgumentException(
          "Cannot use dLogits of shape %s: expected [%d, %d]"
              .formatted(dLogits.shape(), count, vocabulary()));
    }
    checkGradients();
  }

  private void checkGradients() {
    if (dWeights.isAbsent()) {
      throw new IllegalStateException("Cannot compute gradients: the head was planned without");
    }
  }

  void checkLogits(int count, Matrix logits) {
    Checks.atMost("positions", count, positions);
    if (logits.rows() < count || logits.columns() != vocabulary()) {
      throw new IllegalArgumentException(
          "Cannot write logits [%d, %d] into %s".formatted(count, vocabulary(), logits.shape()));
    }
  }
}
