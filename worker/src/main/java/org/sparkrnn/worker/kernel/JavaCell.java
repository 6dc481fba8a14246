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
   */
  void forward(
      float[] data,
      int units,
      int gates,
      int previousHidden,
      int hidden,
      int previousCell,
      int cellState);

  /**
   * From the gradient by the new state to that by the pre-activations.
   *
   * @param gates in: activations; out: gradients by the pre-activations
   * @param dHidden in: gradient by the new hidden state; out: what reaches the previous one without
   *     a product, if {@link CellKind#hasDirectPath}
   * @param dCell in: gradient by the new cell state; out: by the previous one
   */
  void backward(
      float[] data,
      int units,
      int gates,
      int previousHidden,
      int dHidden,
      int previousCell,
      int cellState,
      int dCell);
}
