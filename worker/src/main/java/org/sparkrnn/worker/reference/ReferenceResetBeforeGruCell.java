package org.sparkrnn.worker.reference;

/**
 * {@code n = tanh(x_n + U·(r·h₋₁)), h = (1 − z)·h₋₁ + z·n}; slots r, z, n (Cho et al. 2014, the
 * reset gate before the recurrent product).
 */
public final class ReferenceResetBeforeGruCell implements ReferenceCell.Gating {

  @Override
  public double gate(double[] slots, double[] previous) {
    slots[0] = ReferenceCell.sigmoid(slots[0]);
    return slots[0] * previous[0];
  }

  @Override
  public void forward(double[] slots, double[] peepholes, double[] previous, double[] state) {
    slots[1] = ReferenceCell.sigmoid(slots[1]);
    slots[2] = StrictMath.tanh(slots[2]);
    state[0] = (1 - slots[1]) * previous[0] + slots[1] * slots[2];
  }

  @Override
  public void backward(
      double[] slots,
      double[] peepholes,
      double[] dPeepholes,
      double[] previous,
      double[] state,
      double[] dState) {
    double z = slots[1];
    double n = slots[2];
    double dh = dState[0];
    slots[1] = dh * (n - previous[0]) * z * (1 - z);
    slots[2] = dh * z * (1 - n * n);
    dState[0] = dh * (1 - z);
  }

  @Override
  public double gateBackward(double[] slots, double[] previous, double dGated) {
    double r = slots[0];
    slots[0] = dGated * previous[0] * r * (1 - r);
    return dGated * r;
  }
}
