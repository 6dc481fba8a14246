package org.sparkrnn.common.config;

import java.io.Serializable;
import org.sparkrnn.common.errors.BadInputException;

/**
 * The group {@code optimizer}: the inner optimizer, which takes the local steps of a replica.
 *
 * @param momentum kind momentum
 * @param decay of the mean of squared gradients, kinds rmsprop (PyTorch's alpha) and adadelta (rho)
 * @param beta1 kinds adam, adamw and nadam
 * @param beta2 kinds adam, adamw and nadam
 * @param momentumDecay kind nadam
 * @param lambda kinds asgd and nt-asgd: how fast the parameters shrink and the rate falls
 * @param alpha kinds asgd and nt-asgd: power of that fall
 * @param averagingStart kind asgd: local steps before parameters are averaged
 * @param nonMonotone kind nt-asgd: evaluations that may pass without a new best before they are
 * @param epsilon all kinds that divide by a root
 * @param weightDecay factor of the parameters that is added to their gradient, after clipping; for
 *     adamw what decays them directly
 * @param l1 factor of the parameters' signs that is added to their gradient, after clipping
 * @param state what becomes of the moments between rounds
 */
public record OptimizerConfig(
    Kind kind,
    double learningRate,
    double momentum,
    double decay,
    double beta1,
    double beta2,
    double momentumDecay,
    double lambda,
    double alpha,
    long averagingStart,
    int nonMonotone,
    double epsilon,
    double weightDecay,
    double l1,
    State state)
    implements Serializable {
  /** The rule of one local step; sources are in docs/numerics.md, section 8. */
  public enum Kind {
    SGD,
    MOMENTUM,
    RMSPROP,
    ADAGRAD,
    ADADELTA,
    ADAM,
    ADAMW,
    NADAM,
    ASGD,
    NT_ASGD
  }

  /** What becomes of a replica's moments when the parameters are averaged. */
  public enum State {
    /** Every replica keeps its own. */
    KEEP_LOCAL,
    /** They are averaged like the parameters. */
    AVERAGE,
    /** They start from zero in every round. */
    RESET
  }

  public OptimizerConfig {
    Checks.requirePositive("optimizer.learning-rate", learningRate);
    Checks.requireShare("optimizer.momentum", momentum);
    Checks.requireShare("optimizer.decay", decay);
    Checks.requireShare("optimizer.beta1", beta1);
    Checks.requireShare("optimizer.beta2", beta2);
    Checks.requireNotNegative("optimizer.momentum-decay", momentumDecay);
    Checks.requireNotNegative("optimizer.lambda", lambda);
    Checks.requireNotNegative("optimizer.alpha", alpha);
    Checks.requireNotNegative("optimizer.averaging-start", averagingStart);
    Checks.requirePositive("optimizer.non-monotone", nonMonotone);
    Checks.requirePositive("optimizer.epsilon", epsilon);
    Checks.requireNotNegative("optimizer.weight-decay", weightDecay);
    Checks.requireNotNegative("optimizer.l1", l1);
    if ((kind == Kind.ASGD || kind == Kind.NT_ASGD) && state != State.AVERAGE) {
      throw new BadInputException(
          "optimizer.kind = %s needs optimizer.state = average, got %s: what it averages is evaluated"
              .formatted(Checks.text(kind), Checks.text(state)));
    }
  }
}
