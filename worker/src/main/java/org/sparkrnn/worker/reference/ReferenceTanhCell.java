package org.sparkrnn.worker.reference;

/** {@code h = tanh(z)} (Elman 1990). */
public final class ReferenceTanhCell implements ReferenceCell {

  @Override
  public void forward(double[] slots, double[] peepholes, double[] previous, double[] state) {
    slots[0] = StrictMath.tanh(slots[0]);
    state[0] = slots[0];
  }

  @Override
  public void backward(
      double[] slots,
      double[] peepholes,
      double[] dPeepholes,
      double[] previous,
      double[] state,
      double[] dState) {
    slots[0] = dState[0] * (1 - state[0] * state[0]);
    dState[0] = 0;
  }
}
