package org.sparkrnn.worker.reference;

/** {@code h = max(0, z)} (Le, Jaitly and Hinton 2015). */
public final class ReferenceReluCell implements ReferenceCell {

  @Override
  public void forward(double[] slots, double[] peepholes, double[] previous, double[] state) {
    slots[0] = Math.max(0, slots[0]);
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
    slots[0] = state[0] > 0 ? dState[0] : 0;
    dState[0] = 0;
  }
}
