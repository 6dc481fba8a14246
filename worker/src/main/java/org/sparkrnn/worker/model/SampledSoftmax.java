package org.sparkrnn.worker.model;

import org.sparkrnn.worker.kernel.Arena;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.kernel.SoftmaxHead;
import org.sparkrnn.worker.model.LanguageModel.Masks;
import org.sparkrnn.worker.model.OutputMemory.SampledRegions;

/**
 * One softmax among some of the words, the same for all positions of a window, in training (Bengio
 * and Senécal 2008; shared by a batch as by Jean et al. 2015). Each logit is lowered by the
 * logarithm of the probability that its word is among them, so that the model learns the logits of
 * all words. The rows of these words are copied to where they are dense, and their gradients back.
 */
final class SampledSoftmax implements OutputLayer {
  private final Kernel kernel;
  private final WordSample sample;
  private final Matrix weights;
  private final Matrix dWeights;

  /** One word per row. */
  private final Matrix bias;

  private final Matrix dBias;
  private final Matrix sampledBias;
  private final SoftmaxHead head;

  /** Over the sampled words. */
  private final FullSoftmax softmax;

  private final float[] biases;

  SampledSoftmax(
      ModelSpec spec,
      Kernel kernel,
      Arena arena,
      OutputMemory memory,
      ParameterViews parameters,
      ParameterViews gradients,
      Matrix states,
      Matrix dStates,
      int positions) {
    SampledRegions regions = memory.sample().get(0);
    int words = spec.softmax().softmaxSamples();
    int units = spec.outputSize();
    this.kernel = kernel;
    this.sample = new WordSample(spec.vocabulary(), words, positions);
    this.weights = parameters.block(spec.outputWeight());
    this.dWeights = gradients.block(spec.outputWeight());
    this.bias = column(parameters.block(ModelSpec.OUTPUT_BIAS));
    this.dBias = column(gradients.block(ModelSpec.OUTPUT_BIAS));
    this.sampledBias = regions.bias().dense(arena, 0, 1, words);
    this.head =
        new SoftmaxHead(
            positions,
            regions.weights().dense(arena, 0, words, units),
            sampledBias,
            regions.dWeights().dense(arena, 0, words, units),
            regions.dBias().dense(arena, 0, 1, words),
            states,
            dStates,
            memory.statistics().dense(arena, 0, positions, SoftmaxHead.STATISTICS),
            memory.scratch());
    this.biases = new float[words];
    this.softmax = new FullSoftmax(kernel, head, Matrix.absent(arena));
  }

  private static Matrix column(Matrix row) {
    return new Matrix(row.arena(), row.offset(), row.columns(), 1, 1);
  }

  @Override
  public void pack() {
    // Other words every time.
  }

  @Override
  public void train(int positions, int[] labels, float scale, Masks masks) {
    sample.draw(labels, positions, masks);
    int units = weights.columns();
    int words = sample.size();
    kernel.moveRows(weights, 0, sample.words(), words, head.weights(), 0, units, false);
    kernel.moveRows(bias, 0, sample.words(), words, column(sampledBias), 0, 1, false);
    sampledBias.read(biases, 0);
    for (int i = 0; i < words; i++) {
      biases[i] += sample.corrections()[i];
    }
    sampledBias.write(biases, 0);
    softmax.pack();
    softmax.train(positions, sample.labels(), scale, masks);
    int all = weights.rows();
    kernel.moveRows(head.dWeights(), 0, sample.places(), all, dWeights, 0, units, false);
    kernel.moveRows(column(head.dBias()), 0, sample.places(), all, dBias, 0, 1, false);
  }

  @Override
  public void losses(int positions, double[] target) {
    softmax.losses(positions, target);
  }

  @Override
  public double lossSum(int positions) {
    return softmax.lossSum(positions);
  }

  @Override
  public void evaluate(int positions, int[] labels) {
    throw onlyTrains();
  }

  @Override
  public void logits(float[] target) {
    throw onlyTrains();
  }

  private static IllegalStateException onlyTrains() {
    return new IllegalStateException("Cannot evaluate with a sample of the words");
  }
}
