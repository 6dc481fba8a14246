package org.sparkrnn.worker.reference;

/** {@code c = (1 − i)·c₋₁ + i·g, h = o·tanh(c)}; slots i, g, o (Greff et al. 2017, CIFG). */
public final class ReferenceCoupledLstmCell implements ReferenceCell {

  @Override
  public void forward(double[] slots, double[] peepholes, double[] previous, double[] state) {
    double i = ReferenceCell.sigmoid(slots[0]);
    double g = StrictMath.tanh(slots[1]);
    double o = ReferenceCell.sigmoid(slots[2]);
    slots[0] = i;
    slots[1] = g;
    slots[2] = o;
    state[1] = (1 - i) * previous[1] + i * g;
    state[0] = o * StrictMath.tanh(state[1]);
  }

  @Override
  public void backward(
      double[] slots,
      double[] peepholes,
      double[] dPeepholes,
      double[] previous,
      double[] state,
      double[] dState) {
    double i = slots[0];
    double g = slots[1];
    double o = slots[2];
    double squashed = StrictMath.tanh(state[1]);
    double dc = dState[1] + dState[0] * o * (1 - squashed * squashed);
    slots[0] = dc * (g - previous[1]) * i * (1 - i);
    slots[1] = dc * i * (1 - g * g);
    slots[2] = (dState[0] * squashed + dState[2]) * o * (1 - o);
    dState[0] = 0;
    dState[1] = dc * (1 - i);
  }
}
