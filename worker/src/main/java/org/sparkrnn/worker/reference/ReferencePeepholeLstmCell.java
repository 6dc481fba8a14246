package org.sparkrnn.worker.reference;

/**
 * {@code c = f·c₋₁ + i·g, h = o·tanh(c)}; slots and peepholes i, f, (g,) o. Gates i and f see
 * {@code c₋₁}, o sees c (Gers and Schmidhuber 2000) or {@code c₋₁} too.
 */
public final class ReferencePeepholeLstmCell implements ReferenceCell {
  private final boolean outputSeesPrevious;

  public ReferencePeepholeLstmCell(boolean outputSeesPrevious) {
    this.outputSeesPrevious = outputSeesPrevious;
  }

  @Override
  public void forward(double[] slots, double[] peepholes, double[] previous, double[] state) {
    double i = ReferenceCell.sigmoid(slots[0] + peepholes[0] * previous[1]);
    double f = ReferenceCell.sigmoid(slots[1] + peepholes[1] * previous[1]);
    double g = StrictMath.tanh(slots[2]);
    state[1] = f * previous[1] + i * g;
    double seen = outputSeesPrevious ? previous[1] : state[1];
    double o = ReferenceCell.sigmoid(slots[3] + peepholes[2] * seen);
    slots[0] = i;
    slots[1] = f;
    slots[2] = g;
    slots[3] = o;
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
    double dzo = (dState[0] * squashed + dState[2]) * o * (1 - o);
    double byOutput = dzo * peepholes[2];
    double dc =
        dState[1] + dState[0] * o * (1 - squashed * squashed) + (outputSeesPrevious ? 0 : byOutput);
    slots[0] = dc * g * i * (1 - i);
    slots[1] = dc * previous[1] * f * (1 - f);
    slots[2] = dc * i * (1 - g * g);
    slots[3] = dzo;
    dPeepholes[0] = slots[0] * previous[1];
    dPeepholes[1] = slots[1] * previous[1];
    dPeepholes[2] = dzo * (outputSeesPrevious ? previous[1] : state[1]);
    dState[0] = 0;
    dState[1] =
        dc * f
            + slots[0] * peepholes[0]
            + slots[1] * peepholes[1]
            + (outputSeesPrevious ? byOutput : 0);
  }
}
