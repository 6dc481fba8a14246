package org.sparkrnn.worker.reference;

/**
 * {@code n = tanh(x_n + r·h_n), h = (1 − z)·n + z·h₋₁}; slots n, r, z, nRecurrent (Cho et al. 2014,
 * the reset gate after the recurrent product).
 */
public final class ReferenceGruCell implements ReferenceCell {

  @Override
  public void forward(double[] slots, double[] peepholes, double[] previous, double[] state) {
    double r = ReferenceCell.sigmoid(slots[1]);
    double z = ReferenceCell.sigmoid(slots[2]);
    double n = StrictMath.tanh(slots[0] + r * slots[3]);
    slots[0] = n;
    slots[1] = r;
    slots[2] = z;
    state[0] = (1 - z) * n + z * previous[0];
  }

  @Override
  public void backward(
      double[] slots,
      double[] peepholes,
      double[] dPeepholes,
      double[] previous,
      double[] state,
      double[] dState) {
    double n = slots[0];
    double r = slots[1];
    double z = slots[2];
    double dh = dState[0];
    double dn = dh * (1 - z) * (1 - n * n);
    slots[0] = dn;
    slots[1] = dn * slots[3] * r * (1 - r);
    slots[2] = dh * (previous[0] - n) * z * (1 - z);
    slots[3] = dn * r;
    dState[0] = dh * z;
  }
}
