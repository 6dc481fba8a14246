package org.sparkrnn.common.config;

import java.io.Serializable;

/**
 * The group {@code clipping}; both may be on, the norm is applied first.
 *
 * @param norm largest global norm of the gradient, 0 for no limit
 * @param value largest magnitude of each of its elements, 0 for no limit
 */
public record ClippingConfig(double norm, double value) implements Serializable {
  public ClippingConfig {
    Checks.requireNotNegative("clipping.norm", norm);
    Checks.requireNotNegative("clipping.value", value);
  }
}
