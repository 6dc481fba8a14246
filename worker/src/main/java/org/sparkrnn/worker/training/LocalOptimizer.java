package org.sparkrnn.worker.training;

import org.sparkrnn.common.config.ClippingConfig;
import org.sparkrnn.common.config.OptimizerConfig;
import org.sparkrnn.worker.kernel.AdamStep;
import org.sparkrnn.worker.kernel.GradientScaling;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.TouchedRows;

/**
 * One update of a model's parameters from its gradients: clipping by global norm, then by value,
 * then the rule. Plain SGD visits only those rows of the embedding that have a gradient; rules with
 * moments see the zeros of the others too.
 */
final class LocalOptimizer {
  private final OptimizerConfig config;
  private final ClippingConfig clipping;
  private final LanguageModel model;
  private final Kernel kernel;

  /** Everything behind the embedding, as one row. */
  private final Matrix denseParameters;

  private final Matrix denseGradients;
  private double norm;
  private boolean clipped;

  LocalOptimizer(OptimizerConfig config, ClippingConfig clipping, LanguageModel model) {
    this.config = config;
    this.clipping = clipping;
    this.model = model;
    this.kernel = model.kernel();
    int dense = Math.toIntExact(model.embedding().size());
    int count = Math.toIntExact(model.parameters().size()) - dense;
    this.denseParameters = model.parameters().range(dense, count);
    this.denseGradients = model.gradients().range(dense, count);
  }

  /** Vectors of the parameters' size that a rule keeps. */
  static int momentVectors(OptimizerConfig.Kind kind) {
    return switch (kind) {
      case SGD -> 0;
      case MOMENTUM, RMSPROP -> 1;
      case ADAM -> 2;
    };
  }

  /** Global norm of the last step's gradient before clipping. */
  double norm() {
    return norm;
  }

  /** Whether the last step's gradient was shortened to {@code clipping.norm}. */
  boolean clipped() {
    return clipped;
  }

  /** Computes the norm of the gradients, which the next {@link #step} uses. */
  double measure() {
    norm = StrictMath.sqrt(sumOfSquares());
    return norm;
  }

  private double sumOfSquares() {
    TouchedRows touched = model.touchedRows();
    double embedding = kernel.sumOfSquares(model.dEmbedding(), touched.rows(), touched.count());
    return embedding + kernel.sumOfSquares(denseGradients);
  }

  /**
   * Updates the parameters.
   *
   * @param updates which update of these moments it is, from 1
   */
  void step(double learningRate, long updates) {
    clipped = clipping.norm() > 0 && norm > clipping.norm();
    float scale = clipped ? (float) (clipping.norm() / norm) : 1f;
    GradientScaling scaling = new GradientScaling(scale, (float) clipping.value());
    switch (config.kind()) {
      case SGD -> sgd((float) learningRate, scaling);
      case MOMENTUM ->
          kernel.momentum(
              model.parameters(),
              model.gradients(),
              model.moments().get(0),
              (float) learningRate,
              (float) config.momentum(),
              scaling);
      case RMSPROP ->
          kernel.rmsprop(
              model.parameters(),
              model.gradients(),
              model.moments().get(0),
              (float) learningRate,
              (float) config.decay(),
              (float) (1 - config.decay()),
              (float) config.epsilon(),
              scaling);
      case ADAM ->
          kernel.adam(
              model.parameters(),
              model.gradients(),
              model.moments().get(0),
              model.moments().get(1),
              AdamStep.at(updates, learningRate, config.beta1(), config.beta2(), config.epsilon()),
              scaling);
    }
    model.clearTouchedRows();
  }

  private void sgd(float rate, GradientScaling scaling) {
    TouchedRows touched = model.touchedRows();
    kernel.sgd(
        model.embedding(), model.dEmbedding(), touched.rows(), touched.count(), rate, scaling);
    kernel.sgd(denseParameters, denseGradients, rate, scaling);
  }
}
