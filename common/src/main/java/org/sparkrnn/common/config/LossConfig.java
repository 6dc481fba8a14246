package org.sparkrnn.common.config;

import java.io.Serializable;

/**
 * The group {@code loss}. Learning rates and clipping norms mean nothing without it.
 *
 * @param activationPenalty factor of the mean square of what enters the softmax
 * @param temporalPenalty factor of the mean square of what the last layer's states change by
 */
public record LossConfig(Reduction reduction, double activationPenalty, double temporalPenalty)
    implements Serializable {
  public LossConfig {
    Checks.requireNotNegative("loss.activation-penalty", activationPenalty);
    Checks.requireNotNegative("loss.temporal-penalty", temporalPenalty);
  }

  /** How the losses of a window become the one number that is differentiated. */
  public enum Reduction {
    /** Mean over all tokens of the window. */
    TOKEN_MEAN,
    /** Sum over time, mean over streams (Zaremba et al. 2014). */
    SUM_TIME_MEAN_BATCH
  }
}
