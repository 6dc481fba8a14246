package org.sparkrnn.worker.kernel;

import org.sparkrnn.worker.random.PhiloxKey;

/** The kernel in C. */
public final class NativeKernel implements Kernel {
  public NativeKernel(KernelIsa isa) {
    throw new IllegalStateException(
        "Cannot use the native kernel (%s): this build has no native library".formatted(isa));
  }

  private static IllegalStateException missing() {
    return new IllegalStateException("Cannot compute: this build has no native library");
  }

  @Override
  public String name() {
    throw missing();
  }

  @Override
  public Arena allocate(ArenaPlan plan) {
    return new NativeArena(plan.floats());
  }

  @Override
  public long recurrentFloats(
      CellKind cell, int time, int batch, int input, int hidden, boolean oneHot, boolean backward) {
    throw missing();
  }

  @Override
  public long softmaxFloats(int positions, int hidden, int vocabulary, boolean backward) {
    throw missing();
  }

  @Override
  public void pack(RecurrentLayer layer) {
    throw missing();
  }

  @Override
  public void packOutput(SoftmaxHead head) {
    throw missing();
  }

  @Override
  public void forward(RecurrentLayer layer, int time, int[] tokens) {
    throw missing();
  }

  @Override
  public void backward(RecurrentLayer layer, int time, int[] tokens) {
    throw missing();
  }

  @Override
  public void softmaxLoss(
      SoftmaxHead head, int positions, int[] labels, float scale, boolean gradients) {
    throw missing();
  }

  @Override
  public void logits(SoftmaxHead head, int positions, Matrix logits) {
    throw missing();
  }

  @Override
  public void gatherRows(Matrix table, int[] rows, int count, Matrix out) {
    throw missing();
  }

  @Override
  public void scatterAddRows(Matrix dOut, int[] rows, int count, Matrix dTable) {
    throw missing();
  }

  @Override
  public void zeroRows(Matrix table, int[] rows, int count) {
    throw missing();
  }

  @Override
  public void dropout(Matrix in, Matrix out, int rows, float rate, PhiloxKey key) {
    throw missing();
  }

  @Override
  public double sumOfSquares(Matrix vector) {
    throw missing();
  }

  @Override
  public void sgd(Matrix parameters, Matrix gradients, float rate, GradientScaling scaling) {
    throw missing();
  }

  @Override
  public void momentum(
      Matrix parameters,
      Matrix gradients,
      Matrix velocity,
      float rate,
      float momentum,
      GradientScaling scaling) {
    throw missing();
  }

  @Override
  public void rmsprop(
      Matrix parameters,
      Matrix gradients,
      Matrix meanSquare,
      float rate,
      float decay,
      float complement,
      float epsilon,
      GradientScaling scaling) {
    throw missing();
  }

  @Override
  public void adam(
      Matrix parameters,
      Matrix gradients,
      Matrix mean,
      Matrix meanSquare,
      AdamStep step,
      GradientScaling scaling) {
    throw missing();
  }
}
