package org.sparkrnn.worker.training;

import java.util.List;
import org.sparkrnn.common.config.ClippingConfig;
import org.sparkrnn.common.config.OptimizerConfig;
import org.sparkrnn.worker.kernel.GradientTransform;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.kernel.UpdateRule;
import org.sparkrnn.worker.model.TouchedRows;
import org.sparkrnn.worker.model.TrainableModel;

/**
 * One update of a model's parameters from its gradients: clipping by global norm, then by value,
 * then the penalties' gradients, then the rule. Plain SGD without penalties visits only those rows
 * of the embedding that have a gradient; all others see the zeros of the rest too.
 */
final class LocalOptimizer {
  private final OptimizerConfig config;
  private final ClippingConfig clipping;
  private final TrainableModel model;
  private final Kernel kernel;

  /** Everything, or everything behind a sparse or frozen embedding, as one row. */
  private final Matrix denseParameters;

  private final Matrix denseGradients;

  /** What all elements that change see, and their gradients and moments. */
  private final Matrix allParameters;

  private final Matrix allGradients;
  private final List<Matrix> moments;
  private double norm;
  private boolean clipped;

  LocalOptimizer(OptimizerConfig config, ClippingConfig clipping, TrainableModel model) {
    this.config = config;
    this.clipping = clipping;
    this.model = model;
    this.kernel = model.kernel();
    boolean frozen = model.hasFrozenEmbedding();
    int embedding = Math.toIntExact(model.embedding().size());
    int dense = model.hasSparseEmbedding() || frozen ? embedding : 0;
    int count = Math.toIntExact(model.parameters().size()) - dense;
    this.denseParameters = model.parameters().range(dense, count);
    this.denseGradients = model.gradients().range(dense, count);
    this.allParameters = frozen ? denseParameters : model.parameters();
    this.allGradients = frozen ? denseGradients : model.gradients();
    this.moments =
        frozen
            ? model.moments().stream().map(moment -> moment.range(dense, count)).toList()
            : model.moments();
  }

  /** Names of the vectors of the parameters' size that an optimizer keeps, in their order. */
  static List<String> momentNames(OptimizerConfig.Kind kind) {
    return switch (kind) {
      case SGD -> List.of();
      case MOMENTUM -> List.of("velocity");
      case RMSPROP -> List.of("mean_square");
      case ADAGRAD -> List.of("sum_square");
      case ADADELTA -> List.of("mean_square", "mean_square_update");
      case ADAM, ADAMW, NADAM -> List.of("mean", "mean_square");
      case ASGD, NT_ASGD -> List.of("average");
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
    double sum = kernel.sumOfSquares(denseGradients);
    if (model.hasSparseEmbedding()) {
      TouchedRows touched = model.touchedRows();
      sum = kernel.sumOfSquares(model.dEmbedding(), touched.rows(), touched.count()) + sum;
    }
    return sum;
  }

  /**
   * Updates the parameters.
   *
   * @param updates which update of these moments it is, from 1; 0 while NT-ASGD does not average
   */
  void step(double learningRate, long updates) {
    clipped = clipping.norm() > 0 && norm > clipping.norm();
    float scale = clipped ? (float) (clipping.norm() / norm) : 1f;
    boolean decoupled = config.kind() == OptimizerConfig.Kind.ADAMW;
    GradientTransform transform =
        new GradientTransform(
            scale,
            (float) clipping.value(),
            decoupled ? 0f : (float) config.weightDecay(),
            (float) config.l1());
    UpdateRule rule = rule(learningRate, updates);
    if (rule instanceof UpdateRule.Sgd sgd && !transform.decays()) {
      if (model.hasSparseEmbedding()) {
        TouchedRows touched = model.touchedRows();
        kernel.updateRows(
            model.embedding(), model.dEmbedding(), touched.rows(), touched.count(), sgd, transform);
      }
      kernel.update(denseParameters, denseGradients, List.of(), sgd, transform);
    } else {
      kernel.update(
          allParameters, allGradients, moments.subList(0, rule.moments()), rule, transform);
      if (rule instanceof UpdateRule.AveragedSgd averaged
          && averaged.weight() == 1
          && model.hasFrozenEmbedding()) {
        Matrix average = model.moments().get(0);
        Matrix table = model.embedding();
        average.arena().copy(table.offset(), average.offset(), table.size());
      }
    }
    model.clearTouchedRows();
  }

  private UpdateRule averaged(long updates, double rate, long start) {
    return UpdateRule.AveragedSgd.of(updates, rate, config.lambda(), config.alpha(), start);
  }

  private UpdateRule rule(double rate, long updates) {
    double beta1 = config.beta1();
    double beta2 = config.beta2();
    double epsilon = config.epsilon();
    return switch (config.kind()) {
      case SGD -> new UpdateRule.Sgd((float) rate);
      case MOMENTUM -> new UpdateRule.Momentum((float) rate, (float) config.momentum());
      case RMSPROP -> UpdateRule.RmsProp.of(rate, config.decay(), epsilon);
      case ADAGRAD -> UpdateRule.RmsProp.adaGrad(rate, epsilon);
      case ADADELTA -> UpdateRule.AdaDelta.of(rate, config.decay(), epsilon);
      case ADAM -> UpdateRule.Adam.of(updates, rate, beta1, beta2, epsilon, 0);
      case ADAMW -> UpdateRule.Adam.of(updates, rate, beta1, beta2, epsilon, config.weightDecay());
      case NADAM ->
          UpdateRule.Adam.nesterov(updates, rate, beta1, beta2, epsilon, config.momentumDecay());
      case ASGD -> averaged(updates, rate, config.averagingStart());
      case NT_ASGD -> updates == 0 ? new UpdateRule.Sgd((float) rate) : averaged(updates, rate, 0);
    };
  }
}
