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

  /** The blocks of a layer one after the other in a vector, from an element on. */
  static RecurrentParameters of(Matrix vector, long from, LayerShape shape) {
    CellKind cell = shape.cell();
    int input = shape.input();
    int hidden = shape.hidden();
    int output = shape.output();
    int rows = cell.rows(hidden);
    long recurrent = from + (long) rows * input;
    long bias = recurrent + (long) rows * output;
    long peepholes = bias + 2L * rows;
    long projection = peepholes + (long) cell.peepholes() * hidden;
    long gains = projection + shape.projection();
    boolean normalised = shape.normalised();
    boolean cellState = normalised && cell.hasCellState();
    Arena arena = vector.arena();
    long first = vector.offset();
    return new RecurrentParameters(
        new Matrix(arena, first + from, rows, input, input),
        new Matrix(arena, first + recurrent, rows, output, output),
        vector.range(bias, rows),
        vector.range(bias + rows, rows),
        range(vector, peepholes, cell.peepholes() * hidden, cell.peepholes() > 0),
        shape.isProjected()
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

  void check(Arena arena, LayerShape shape) {
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
    CellKind cell = shape.cell();
    int hidden = shape.hidden();
    int rows = cell.rows(hidden);
    Checks.dense("weight_ih", inputWeights, rows, shape.input());
    Checks.dense("weight_hh", recurrentWeights, rows, shape.output());
    Checks.dense("bias_ih", inputBias, 1, rows);
    Checks.dense("bias_hh", recurrentBias, 1, rows);
    if (cell.peepholes() > 0) {
      Checks.dense("weight_ph", peepholes, 1, cell.peepholes() * hidden);
    }
    if (shape.isProjected()) {
      Checks.dense("weight_hr", projection, shape.output(), hidden);
    }
    if (shape.normalised()) {
      Checks.dense("gain_ih", inputGain, 1, rows);
      Checks.dense("gain_hh", recurrentGain, 1, rows);
    }
    if (shape.normalised() && cell.hasCellState()) {
      Checks.dense("gain_c", cellGain, 1, hidden);
      Checks.dense("bias_c", cellBias, 1, hidden);
    }
  }
}
