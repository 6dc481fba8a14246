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
   * @param previous states before the step
   * @param state out: states after it
   */
  void forward(double[] slots, double[] previous, double[] state);

  /**
   * From gradients by the new states to those by the pre-activations.
   *
   * @param slots in: activations; out: gradients by the pre-activations
   * @param previous states before the step
   * @param state states after it
   * @param dState in: gradients by the states after; out: by those before, products left out
   */
  void backward(double[] slots, double[] previous, double[] state, double[] dState);

  static double sigmoid(double x) {
    return 1 / (1 + StrictMath.exp(-x));
  }
}
