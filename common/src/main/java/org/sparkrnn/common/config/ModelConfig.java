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
  private static final int MOST_LAYERS = 1000;
  private static final int MOST_UNITS = 1 << 24;

  /** What one time step of a recurrent layer computes. */
  public enum Cell {
    LSTM,
    GRU,
    RNN_TANH,
    RNN_RELU,
    LSTM_COUPLED,
    LSTM_PEEPHOLE,
    LSTM_PEEPHOLE_PREVIOUS,
    GRU_RESET_BEFORE
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
    // Beyond what 2³¹ − 1 parameters allow, within what can be counted before they are laid out.
    Checks.requireAtMost("model.layers", MOST_LAYERS, layers);
    Checks.requireAtMost("model.hidden", MOST_UNITS, hidden);
    Checks.requireAtMost("model.embedding", MOST_UNITS, embedding);
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
