package org.sparkrnn.worker.kernel;

/**
 * The elementwise part of a recurrent cell for one position. Arguments are indices of rows in
 * {@code data}; gate rows are blocked ({@link RecurrentLayer}). Has no state.
 */
interface JavaCell {

  /**
   * From pre-activations to activations and the new state.
   *
   * @param gates in: pre-activations; out: activations
   * @param peepholes index of {@code weight_ph}, if the cell has any
   */
  void forward(
      float[] data,
      int units,
      int gates,
      int previousHidden,
      int hidden,
      int previousCell,
      int cellState,
      int peepholes);

  /**
   * From the gradient by the new state to that by the pre-activations.
   *
   * @param gates in: activations; out: gradients by the pre-activations
   * @param dHidden in: gradient by the new hidden state; out: what reaches the previous one without
   *     a product, if {@link CellKind#hasDirectPath}
   * @param dCell in: gradient by the new cell state; out: by the previous one
   * @param dPeepholes index of the gradient by {@code weight_ph}, to which the step's is added
   * @param normalised whether the hidden state is made of the normalised cell state: then dHidden
   *     is the gradient by the output gate, and dCell has all that comes by way of the hidden state
   */
  void backward(
      float[] data,
      int units,
      int gates,
      int previousHidden,
      int dHidden,
      int previousCell,
      int dCell,
      int peepholes,
      int dPeepholes,
      boolean normalised);

  /** A cell of which a gate's product with the hidden state before the step is multiplied again. */
  interface Gating extends JavaCell {

    /**
     * Before {@link #forward}: writes the gated hidden state.
     *
     * @param gates in: pre-activations, those that see it still without it; out: with the
     *     activation of the gate
     * @param gated out: the gated hidden state
     */
    void gate(float[] data, int units, int gates, int previousHidden, int gated);

    /**
     * After {@link #backward}.
     *
     * @param gates out: the gate's gradient by its pre-activation
     * @param dGated gradient by the gated hidden state
     * @param dHidden what comes by way of it is added
     */
    void gateBackward(
        float[] data, int units, int gates, int previousHidden, int dGated, int dHidden);
  }
}
