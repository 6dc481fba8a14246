package org.sparkrnn.worker.reference;

import org.sparkrnn.worker.kernel.CellKind;

/**
 * A recurrent cell's elementwise part for one unit, in double. Slots are in {@link CellKind} order;
 * states are the hidden state and, if there is one, the cell state. Has no state.
 */
public interface ReferenceCell {

  /**
   * From pre-activations to activations and new states.
   *
   * @param slots in: pre-activations; out: activations
   * @param peepholes the unit's diagonal weights; none if the cell has none
   * @param previous states before the step
   * @param state out: states after it
   */
  void forward(double[] slots, double[] peepholes, double[] previous, double[] state);

  /**
   * From gradients by the new states to those by the pre-activations.
   *
   * @param slots in: activations; out: gradients by the pre-activations
   * @param dPeepholes the gradients by them are added
   * @param previous states before the step
   * @param state states after it
   * @param dState in: gradients by the states after, and behind those of two states by what else
   *     the output gate is a factor of; out: by those before, products left out
   */
  void backward(
      double[] slots,
      double[] peepholes,
      double[] dPeepholes,
      double[] previous,
      double[] state,
      double[] dState);

  static double sigmoid(double x) {
    return 1 / (1 + StrictMath.exp(-x));
  }

  /** A cell of which a gate's product with the hidden state before the step is multiplied again. */
  interface Gating extends ReferenceCell {

    /**
     * The gated hidden state; before {@link #forward}.
     *
     * @param slots in: pre-activations; out: with the activation of the gate
     */
    double gate(double[] slots, double[] previous);

    /**
     * What reaches the hidden state before the step by way of the gated one; after {@link
     * #backward}.
     *
     * @param slots out: the gate's gradient by its pre-activation
     */
    double gateBackward(double[] slots, double[] previous, double dGated);
  }
}
