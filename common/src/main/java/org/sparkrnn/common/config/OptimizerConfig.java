package org.sparkrnn.common.config;

import java.io.Serializable;

/**
 * The group {@code optimizer}: the inner optimizer, which takes the local steps of a replica.
 *
 * @param momentum of kind momentum
 * @param decay of the mean of squared gradients, kind rmsprop (PyTorch's alpha)
 * @param beta1 kind adam
 * @param beta2 kind adam
 * @param epsilon kinds rmsprop and adam
 * @param state what becomes of the moments between rounds
 */
public record OptimizerConfig(
    Kind kind,
    double learningRate,
    double momentum,
    double decay,
    double beta1,
    double beta2,
    double epsilon,
    State state)
    implements Serializable {
  /** The rule of one local step. */
  public enum Kind {
    SGD,
    MOMENTUM,
    RMSPROP,
    ADAM
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
    Checks.requirePositive("optimizer.epsilon", epsilon);
  }
}
