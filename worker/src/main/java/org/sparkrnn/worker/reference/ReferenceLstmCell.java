package org.sparkrnn.worker.reference;

/** {@code c = f·c₋₁ + i·g, h = o·tanh(c)}; slots i, f, g, o (Hochreiter and Schmidhuber 1997). */
public final class ReferenceLstmCell implements ReferenceCell {

  @Override
  public void forward(double[] slots, double[] peepholes, double[] previous, double[] state) {
    double i = ReferenceCell.sigmoid(slots[0]);
    double f = ReferenceCell.sigmoid(slots[1]);
    double g = StrictMath.tanh(slots[2]);
    double o = ReferenceCell.sigmoid(slots[3]);
    slots[0] = i;
    slots[1] = f;
    slots[2] = g;
    slots[3] = o;
    state[1] = f * previous[1] + i * g;
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
    double f = slots[1];
    double g = slots[2];
    double o = slots[3];
    double squashed = StrictMath.tanh(state[1]);
    double dc = dState[1] + dState[0] * o * (1 - squashed * squashed);
    slots[0] = dc * g * i * (1 - i);
    slots[1] = dc * previous[1] * f * (1 - f);
    slots[2] = dc * i * (1 - g * g);
    slots[3] = (dState[0] * squashed + dState[2]) * o * (1 - o);
    dState[0] = 0;
    dState[1] = dc * f;
  }
}
