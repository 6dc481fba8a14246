package org.sparkrnn.worker.kernel;

/**
 * The parameter blocks of one recurrent layer, or their gradients: windows on flat vectors, with
 * PyTorch's names, shapes and gate order.
 *
 * @param inputWeights {@code weight_ih [gates·hidden, input]}
 * @param recurrentWeights {@code weight_hh [gates·hidden, hidden]}
 * @param inputBias {@code bias_ih [1, gates·hidden]}
 * @param recurrentBias {@code bias_hh [1, gates·hidden]}
 * @param peepholes {@code weight_ph [1, peepholes·hidden]}; absent if the cell has none
 */
public record RecurrentParameters(
    Matrix inputWeights,
    Matrix recurrentWeights,
    Matrix inputBias,
    Matrix recurrentBias,
    Matrix peepholes) {

  /** No gradients: for a layer that only runs forward. */
  public static RecurrentParameters absent(Arena arena) {
    Matrix none = Matrix.absent(arena);
    return new RecurrentParameters(none, none, none, none, none);
  }

  /** The same with other recurrent weights. */
  RecurrentParameters withRecurrentWeights(Matrix other) {
    return new RecurrentParameters(inputWeights, other, inputBias, recurrentBias, peepholes);
  }

  /** Elements of all blocks. */
  static int size(CellKind cell, int input, int hidden) {
    return cell.rows(hidden) * (input + hidden + 2) + cell.peepholes() * hidden;
  }

  /** The blocks one after the other in a vector, from an element on. */
  static RecurrentParameters of(Matrix vector, long from, CellKind cell, int input, int hidden) {
    int rows = cell.rows(hidden);
    long recurrent = from + (long) rows * input;
    long bias = recurrent + (long) rows * hidden;
    Arena arena = vector.arena();
    long first = vector.offset();
    return new RecurrentParameters(
        new Matrix(arena, first + from, rows, input, input),
        new Matrix(arena, first + recurrent, rows, hidden, hidden),
        vector.range(bias, rows),
        vector.range(bias + rows, rows),
        cell.peepholes() == 0
            ? Matrix.absent(arena)
            : vector.range(bias + 2L * rows, cell.peepholes() * hidden));
  }

  public boolean isAbsent() {
    return recurrentWeights.isAbsent();
  }

  void check(Arena arena, CellKind cell, int input, int hidden) {
    Checks.sameArena(
        Matrix.absent(arena), inputWeights, recurrentWeights, inputBias, recurrentBias, peepholes);
    int rows = cell.rows(hidden);
    Checks.dense("weight_ih", inputWeights, rows, input);
    Checks.dense("weight_hh", recurrentWeights, rows, hidden);
    Checks.dense("bias_ih", inputBias, 1, rows);
    Checks.dense("bias_hh", recurrentBias, 1, rows);
    if (cell.peepholes() > 0) {
      Checks.dense("weight_ph", peepholes, 1, cell.peepholes() * hidden);
    }
  }
}
