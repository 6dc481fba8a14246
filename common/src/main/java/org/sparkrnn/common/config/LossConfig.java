package org.sparkrnn.common.config;

import java.io.Serializable;

/** The group {@code loss}. Learning rates and clipping norms mean nothing without it. */
public record LossConfig(Reduction reduction) implements Serializable {
  /** How the losses of a window become the one number that is differentiated. */
  public enum Reduction {
    /** Mean over all tokens of the window. */
    TOKEN_MEAN,
    /** Sum over time, mean over streams (Zaremba et al. 2014). */
    SUM_TIME_MEAN_BATCH
  }
}
