package org.sparkrnn.worker.kernel;

/**
 * What a recurrent layer is, but for its parameters and states: everything that the sizes of its
 * buffers follow from.
 *
 * @param time largest number of steps of a window
 * @param batch streams
 * @param input columns of {@code weight_ih}
 * @param hidden units of the cell
 * @param output columns of the hidden state: {@code hidden}, or fewer, to which {@code weight_hr}
 *     projects what the cell computes
 * @param oneHot whether the input is a token, which selects a column of {@code weight_ih}
 * @param normalised whether what the gates add up, and the cell state, are normalised (Ba, Kiros
 *     and Hinton 2016)
 * @param backward whether gradients will be computed
 * @param zoneout shares of the units that keep their states
 */
public record LayerShape(
    CellKind cell,
    int time,
    int batch,
    int input,
    int hidden,
    int output,
    boolean oneHot,
    boolean normalised,
    boolean backward,
    Zoneout zoneout) {

  public LayerShape {
    if (output > hidden || (output < hidden && !cell.isProjectable())) {
      throw new IllegalArgumentException(
          "Cannot project %d units of %s to %d".formatted(hidden, cell, output));
    }
    if (zoneout.cell() > 0 && !cell.hasCellState()) {
      throw new IllegalArgumentException("Cannot keep cell states: %s has none".formatted(cell));
    }
    Math.multiplyExact(Math.addExact(time, 1), batch);
  }

  /** Whether the hidden state has fewer columns than the cell units. */
  public boolean isProjected() {
    return output < hidden;
  }

  /** Steps of all streams. */
  int positions() {
    return time * batch;
  }

  /** Rows of the states before the window and after each step. */
  int states() {
    return (time + 1) * batch;
  }

  /** Columns of {@link RecurrentLayer#gates}. */
  int gateColumns() {
    return cell.gateColumns(hidden);
  }

  /** Elements of all parameters. */
  long parameters() {
    long rows = cell.rows(hidden);
    return rows * (input + output + 2)
        + (long) cell.peepholes() * hidden
        + projection()
        + (normalised ? 2 * rows + 2L * (cell.states() - 1) * hidden : 0);
  }

  /** Elements of {@code weight_hr}. */
  long projection() {
    return isProjected() ? (long) output * hidden : 0;
  }
}
