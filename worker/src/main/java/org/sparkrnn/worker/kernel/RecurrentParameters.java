package org.sparkrnn.worker.kernel;

/**
 * The four parameter blocks of one recurrent layer, or their gradients: windows on flat vectors,
 * with PyTorch's names, shapes and gate order.
 *
 * @param inputWeights {@code weight_ih [gates·hidden, input]}
 * @param recurrentWeights {@code weight_hh [gates·hidden, hidden]}
 * @param inputBias {@code bias_ih [1, gates·hidden]}
 * @param recurrentBias {@code bias_hh [1, gates·hidden]}
 */
public record RecurrentParameters(
    Matrix inputWeights, Matrix recurrentWeights, Matrix inputBias, Matrix recurrentBias) {

  /** No gradients: for a layer that only runs forward. */
  public static RecurrentParameters absent(Arena arena) {
    Matrix none = Matrix.absent(arena);
    return new RecurrentParameters(none, none, none, none);
  }

  public boolean isAbsent() {
    return recurrentWeights.isAbsent();
  }

  void check(Arena arena, CellKind cell, int input, int hidden) {
    Checks.sameArena(
        Matrix.absent(arena), inputWeights, recurrentWeights, inputBias, recurrentBias);
    int rows = cell.rows(hidden);
    Checks.dense("weight_ih", inputWeights, rows, input);
    Checks.dense("weight_hh", recurrentWeights, rows, hidden);
    Checks.dense("bias_ih", inputBias, 1, rows);
    Checks.dense("bias_hh", recurrentBias, 1, rows);
  }
}
