package org.sparkrnn.worker.kernel;

import java.io.Serializable;

/**
 * Shares of a layer's units that keep their state of the step before (Krueger et al. 2017):
 * docs/numerics.md, section 6.
 *
 * @param hidden of the hidden state's units
 * @param cell of the cell state's
 */
public record Zoneout(float hidden, float cell) implements Serializable {
  public static final Zoneout NONE = new Zoneout(0, 0);

  public Zoneout {
    if (!(hidden >= 0 && hidden < 1 && cell >= 0 && cell < 1)) {
      throw new IllegalArgumentException(
          "Cannot keep shares of %s and %s of the units: expected [0, 1)".formatted(hidden, cell));
    }
  }

  public boolean isActive() {
    return hidden > 0 || cell > 0;
  }
}
