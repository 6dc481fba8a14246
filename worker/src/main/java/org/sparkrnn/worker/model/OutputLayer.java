package org.sparkrnn.worker.model;

import org.sparkrnn.worker.model.LanguageModel.Masks;

/** What a language model predicts words by, from the states that leave the recurrent layers. */
sealed interface OutputLayer permits FullSoftmax, AdaptiveSoftmax, SampledSoftmax {

  /** Tells the kernel that parameters have changed. */
  void pack();

  /** Computes the losses of the first positions, which {@link #losses} hands out. */
  void evaluate(int positions, int[] labels);

  /**
   * The same, and overwrites the gradients by the states and by the layer's parameters.
   *
   * @param scale factor of every position's loss in the gradients
   */
  void train(int positions, int[] labels, float scale, Masks masks);

  /** Loss in nats of the first positions that were computed last. */
  void losses(int positions, double[] target);

  /** Their sum in position order. */
  double lossSum(int positions);

  /** Logits of the first position: logarithms of probabilities but for a constant. */
  void logits(float[] target);
}
