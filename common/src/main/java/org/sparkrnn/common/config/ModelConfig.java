package org.sparkrnn.common.config;

import java.io.Serializable;
import java.util.OptionalDouble;
import org.sparkrnn.common.errors.BadInputException;

/**
 * The group {@code model}: the network and how its parameters are drawn.
 *
 * @param embedding columns of the embedding; without effect for one-hot input
 * @param dropout share of the elements that are zeroed on the non-recurrent connections
 * @param initializationRange half the width of the interval that {@code uniform} draws from
 * @param forgetGateBiasOrNaN see {@link #forgetGateBias}
 */
public record ModelConfig(
    Cell cell,
    int layers,
    int hidden,
    Input input,
    int embedding,
    double dropout,
    Initialization initialization,
    double initializationRange,
    double forgetGateBiasOrNaN)
    implements Serializable {
  /** What one time step of a recurrent layer computes. */
  public enum Cell {
    LSTM,
    GRU
  }

  /** How a token becomes the input of the first layer. */
  public enum Input {
    EMBEDDING,
    ONE_HOT
  }

  /** The distribution that the parameters are drawn from. */
  public enum Initialization {
    /** All of them from ±{@code initialization-range} (Zaremba et al. 2014). */
    UNIFORM,
    /** As PyTorch's modules do by default. */
    PYTORCH
  }

  public ModelConfig {
    Checks.requirePositive("model.layers", layers);
    Checks.requirePositive("model.hidden", hidden);
    Checks.requirePositive("model.embedding", embedding);
    Checks.requireShare("model.dropout", dropout);
    Checks.requirePositive("model.initialization-range", initializationRange);
    if (Double.isInfinite(forgetGateBiasOrNaN)) {
      throw new BadInputException(
          "model.forget-gate-bias must be finite or null, got " + forgetGateBiasOrNaN);
    }
  }

  /**
   * The value that the forget gate's part of every {@code bias_ih} starts from; empty leaves it as
   * drawn.
   */
  public OptionalDouble forgetGateBias() {
    return Double.isNaN(forgetGateBiasOrNaN)
        ? OptionalDouble.empty()
        : OptionalDouble.of(forgetGateBiasOrNaN);
  }
}
