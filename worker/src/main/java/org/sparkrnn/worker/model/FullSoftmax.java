package org.sparkrnn.worker.model;

import org.sparkrnn.worker.kernel.Arena;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.kernel.SoftmaxHead;
import org.sparkrnn.worker.model.LanguageModel.Masks;

/** One softmax over all words. */
final class FullSoftmax implements OutputLayer {
  private final Kernel kernel;
  private final SoftmaxHead head;
  private final Matrix logits;

  /** The softmax's statistics of a window, copied here to sum the losses. */
  private final float[] statistics;

  FullSoftmax(
      ModelSpec spec,
      Kernel kernel,
      Arena arena,
      OutputMemory memory,
      ParameterViews parameters,
      ParameterViews gradients,
      Matrix states,
      Matrix dStates,
      int positions) {
    this(
        kernel,
        new SoftmaxHead(
            positions,
            parameters.block(spec.outputWeight()),
            parameters.block(ModelSpec.OUTPUT_BIAS),
            gradients.block(spec.outputWeight()),
            gradients.block(ModelSpec.OUTPUT_BIAS),
            states,
            dStates,
            memory.statistics().dense(arena, 0, positions, SoftmaxHead.STATISTICS),
            memory.scratch()),
        memory.logits().isEmpty()
            ? Matrix.absent(arena)
            : memory.logits().get(0).padded(arena, positions, spec.vocabulary()));
  }

  /**
   * Over the words of a head.
   *
   * @param logits absent if nobody asks for them
   */
  FullSoftmax(Kernel kernel, SoftmaxHead head, Matrix logits) {
    this.kernel = kernel;
    this.head = head;
    this.logits = logits;
    this.statistics = new float[head.positions() * SoftmaxHead.STATISTICS];
  }

  @Override
  public void pack() {
    kernel.packOutput(head);
  }

  @Override
  public void evaluate(int positions, int[] labels) {
    kernel.softmaxLoss(head, positions, labels, 1f, false);
  }

  @Override
  public void train(int positions, int[] labels, float scale, Masks masks) {
    kernel.softmaxLoss(head, positions, labels, scale, true);
  }

  @Override
  public void losses(int positions, double[] target) {
    head.losses(positions, statistics, target);
  }

  @Override
  public double lossSum(int positions) {
    return head.lossSum(positions, statistics);
  }

  @Override
  public void logits(float[] target) {
    kernel.logits(head, 1, logits);
    logits.rows(0, 1).read(target, 0);
  }
}
