package org.sparkrnn.worker.model;

import org.sparkrnn.common.config.LossConfig;

/**
 * What is added to the mean loss of a window's tokens, as in Merity, McCann and Socher (2017):
 *
 * <pre>
 *   activation · mean of y²  +  temporal · mean of (h_t − h_{t−1})²
 * </pre>
 *
 * <p>y: what enters the softmax, after dropout; h: the last layer's hidden states within the
 * window. The means are over positions and units.
 */
public record ActivationPenalties(double activation, double temporal) {
  public static final ActivationPenalties NONE = new ActivationPenalties(0, 0);

  public static ActivationPenalties of(LossConfig config) {
    return new ActivationPenalties(config.activationPenalty(), config.temporalPenalty());
  }

  /**
   * What y is multiplied by in its gradient.
   *
   * @param scale factor of every position's loss in the gradients
   */
  public float activationFactor(float scale, int units) {
    return (float) (2 * activation * scale / units);
  }

  /** Likewise for the difference of two hidden states; there are time − 1 of a unit. */
  public float temporalFactor(float scale, int time, int units) {
    return time < 2 ? 0 : (float) (2 * temporal * scale * time / ((time - 1.0) * units));
  }
}
