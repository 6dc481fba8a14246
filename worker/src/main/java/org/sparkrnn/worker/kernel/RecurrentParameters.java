package org.sparkrnn.worker.kernel;

/**
 * The parameter blocks of one recurrent layer, or their gradients: windows on flat vectors, with
 * PyTorch's names, shapes and gate order.
 *
 * @param inputWeights {@code weight_ih [gates·hidden, input]}
 * @param recurrentWeights {@code weight_hh [gates·hidden, output]}
 * @param inputBias {@code bias_ih [1, gates·hidden]}
 * @param recurrentBias {@code bias_hh [1, gates·hidden]}
 * @param peepholes {@code weight_ph [1, peepholes·hidden]}; absent if the cell has none
 * @param projection {@code weight_hr [output, hidden]}; absent if output is hidden
 * @param inputGain {@code gain_ih [1, gates·hidden]}; this and the others absent unless the layer
 *     is normalised
 * @param recurrentGain {@code gain_hh [1, gates·hidden]}
 * @param cellGain {@code gain_c [1, hidden]}; absent too if there is no cell state
 * @param cellBias {@code bias_c [1, hidden]}, likewise
 */
public record RecurrentParameters(
    Matrix inputWeights,
    Matrix recurrentWeights,
    Matrix inputBias,
    Matrix recurrentBias,
    Matrix peepholes,
    Matrix projection,
    Matrix inputGain,
    Matrix recurrentGain,
    Matrix cellGain,
    Matrix cellBias) {

  /** No gradients: for a layer that only runs forward. */
  public static RecurrentParameters absent(Arena arena) {
    Matrix none = Matrix.absent(arena);
    return new RecurrentParameters(none, none, none, none, none, none, none, none, none, none);
  }

  /** The same with other recurrent weights. */
  RecurrentParameters withRecurrentWeights(Matrix other) {
    return new RecurrentParameters(
        inputWeights,
        other,
        inputBias,
        recurrentBias,
        peepholes,
        projection,
        inputGain,
        recurrentGain,
        cellGain,
        cellBias);
  }

  /** Elements of all blocks. */
  static int size(CellKind cell, int input, int hidden, int output, boolean normalised) {
    return cell.rows(hidden) * (input + output + 2)
        + cell.peepholes() * hidden
        + projection(hidden, output)
        + (normalised ? 2 * cell.rows(hidden) + 2 * (cell.states() - 1) * hidden : 0);
  }

  private static int projection(int hidden, int output) {
    return output < hidden ? output * hidden : 0;
  }

  /** The blocks one after the other in a vector, from an element on. */
  static RecurrentParameters of(
      Matrix vector,
      long from,
      CellKind cell,
      int input,
      int hidden,
      int output,
      boolean normalised) {
    int rows = cell.rows(hidden);
    long recurrent = from + (long) rows * input;
    long bias = recurrent + (long) rows * output;
    long peepholes = bias + 2L * rows;
    long projection = peepholes + (long) cell.peepholes() * hidden;
    long gains = projection + projection(hidden, output);
    boolean cellState = normalised && cell.hasCellState();
    Arena arena = vector.arena();
    long first = vector.offset();
    return new RecurrentParameters(
        new Matrix(arena, first + from, rows, input, input),
        new Matrix(arena, first + recurrent, rows, output, output),
        vector.range(bias, rows),
        vector.range(bias + rows, rows),
        range(vector, peepholes, cell.peepholes() * hidden, cell.peepholes() > 0),
        output < hidden
            ? new Matrix(arena, first + projection, output, hidden, hidden)
            : Matrix.absent(arena),
        range(vector, gains, rows, normalised),
        range(vector, gains + rows, rows, normalised),
        range(vector, gains + 2L * rows, hidden, cellState),
        range(vector, gains + 2L * rows + hidden, hidden, cellState));
  }

  private static Matrix range(Matrix vector, long from, int size, boolean present) {
    return present ? vector.range(from, size) : Matrix.absent(vector.arena());
  }

  public boolean isAbsent() {
    return recurrentWeights.isAbsent();
  }

  /** Whether what the gates add up, and the cell state, are normalised. */
  public boolean isNormalised() {
    return !recurrentGain.isAbsent();
  }

  void check(Arena arena, CellKind cell, int input, int hidden, int output) {
    Checks.sameArena(
        Matrix.absent(arena),
        inputWeights,
        recurrentWeights,
        inputBias,
        recurrentBias,
        peepholes,
        projection,
        inputGain,
        recurrentGain,
        cellGain,
        cellBias);
    int rows = cell.rows(hidden);
    Checks.dense("weight_ih", inputWeights, rows, input);
    Checks.dense("weight_hh", recurrentWeights, rows, output);
    Checks.dense("bias_ih", inputBias, 1, rows);
    Checks.dense("bias_hh", recurrentBias, 1, rows);
    if (cell.peepholes() > 0) {
      Checks.dense("weight_ph", peepholes, 1, cell.peepholes() * hidden);
    }
    if (output < hidden) {
      Checks.dense("weight_hr", projection, output, hidden);
    }
    if (isNormalised()) {
      Checks.dense("gain_ih", inputGain, 1, rows);
      Checks.dense("gain_hh", recurrentGain, 1, rows);
    }
    if (isNormalised() && cell.hasCellState()) {
      Checks.dense("gain_c", cellGain, 1, hidden);
      Checks.dense("bias_c", cellBias, 1, hidden);
    }
  }
}
