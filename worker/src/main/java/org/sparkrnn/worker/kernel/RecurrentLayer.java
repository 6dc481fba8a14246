package org.sparkrnn.worker.kernel;

import org.sparkrnn.worker.kernel.ArenaPlan.Region;

/**
 * All buffers of one recurrent layer over a window: {@code time} steps (a window may be shorter),
 * {@code batch} streams. Position {@code p = step·batch + stream}.
 *
 * <p><b>{@code gates [time·batch, slots·paddedHidden]}</b> is blocked: 16 hidden units form a
 * block; a row holds block after block, a block its slots in turn ({@link CellKind#slots()}), a
 * slot 16 floats. Slot {@code s} of unit {@code u} is column {@code ((u / 16)·slots + s)·16 + u mod
 * 16}. After {@link Kernel#forward} it holds activations (a slot that the cell squashes together
 * with another one holds its sum), after {@link Kernel#backward} the gradients by the
 * pre-activations: docs/numerics.md. The floats of units beyond {@code hidden} are +0 after both,
 * whatever the inputs are.
 *
 * <p>{@code hidden} and {@code cellState} hold the state before the window in their first {@code
 * batch} rows (the caller writes them, {@link #carryState} moves the last ones there) and the state
 * after step t in rows {@code (t+1)·batch} and following: {@code hidden.rows(batch, time·batch)} is
 * the layer's output.
 *
 * <p>No two buffers overlap, but {@code x} may be a window on the layer below's {@code hidden}.
 *
 * @param time largest number of steps of a window
 * @param input columns of {@code weight_ih}
 * @param hiddenUnits units of the cell
 * @param outputUnits columns of the hidden state: {@code hiddenUnits}, or fewer, to which {@code
 *     weight_hr} projects what the cell computes
 * @param parameters read
 * @param gradients overwritten by {@link Kernel#backward}; absent if it never runs
 * @param x {@code [time·batch, input]}, padded; absent if the input is one-hot
 * @param hidden {@code [(time+1)·batch, output]}, padded
 * @param cellState {@code [(time+1)·batch, hidden]}, padded; absent if the cell has one state
 * @param gates see above; padded
 * @param packed private to the kernel: {@link Kernel#recurrentFloats} floats, written by {@link
 *     Kernel#pack}; also its scratch memory
 * @param dHiddenSequence {@code [time·batch, output]}, padded; gradient by the layer's output, read
 *     by {@link Kernel#backward}; absent like {@code gradients}
 * @param dx {@code [time·batch, input]}, padded, overwritten by {@link Kernel#backward}; absent if
 *     nobody needs it
 * @param dHidden {@code [batch, output]}, padded; in: gradient by the state after the window; out:
 *     gradient by the state before it
 * @param dCell {@code [batch, hidden]}, likewise for the cell state; absent if there is none
 * @param zoneout what units keep of their states
 */
public record RecurrentLayer(
    CellKind cell,
    int time,
    int batch,
    int input,
    int hiddenUnits,
    int outputUnits,
    RecurrentParameters parameters,
    RecurrentParameters gradients,
    Matrix x,
    Matrix hidden,
    Matrix cellState,
    Matrix gates,
    Region packed,
    Matrix dHiddenSequence,
    Matrix dx,
    Matrix dHidden,
    Matrix dCell,
    ZoneoutBuffers zoneout) {

  public RecurrentLayer {
    int positions = Math.multiplyExact(time, batch);
    int states = Math.addExact(positions, batch);
    if (outputUnits > hiddenUnits || (outputUnits < hiddenUnits && !cell.isProjectable())) {
      throw new IllegalArgumentException(
          "Cannot project %d units of %s to %d".formatted(hiddenUnits, cell, outputUnits));
    }
    Checks.sameArena(hidden, x, cellState, gates, dHiddenSequence, dx, dHidden, dCell);
    parameters.check(hidden.arena(), cell, input, hiddenUnits, outputUnits);
    Checks.paddedOrAbsent("x", x, positions, input);
    Checks.padded("hidden", hidden, states, outputUnits);
    Checks.padded("gates", gates, positions, cell.gateColumns(hiddenUnits));
    if (cell.hasCellState()) {
      Checks.padded("cellState", cellState, states, hiddenUnits);
    }
    zoneout.check(
        cell,
        hidden.arena(),
        time,
        batch,
        hiddenUnits,
        outputUnits,
        parameters.isNormalised(),
        !gradients.isAbsent());
    if (!gradients.isAbsent()) {
      if (gradients.isNormalised() != parameters.isNormalised()) {
        throw new IllegalArgumentException(
            "Cannot normalise a layer without gradients by its gains");
      }
      gradients.check(hidden.arena(), cell, input, hiddenUnits, outputUnits);
      Checks.padded("dHiddenSequence", dHiddenSequence, positions, outputUnits);
      Checks.paddedOrAbsent("dx", dx, positions, input);
      Checks.padded("dHidden", dHidden, batch, outputUnits);
      if (cell.hasCellState()) {
        Checks.padded("dCell", dCell, batch, hiddenUnits);
      }
    }
  }

  /** Whether the input is a token, which selects a column of {@code weight_ih}. */
  public boolean isOneHot() {
    return x.isAbsent();
  }

  /** Whether what the gates add up, and the cell state, are normalised (Ba et al. 2016). */
  public boolean isNormalised() {
    return parameters.isNormalised();
  }

  /** Whether the hidden state has fewer columns than the cell units. */
  public boolean isProjected() {
    return outputUnits < hiddenUnits;
  }

  /**
   * The same layer that takes its recurrent weights, when it is packed, from elsewhere in its
   * arena.
   */
  public RecurrentLayer withRecurrentWeights(Matrix weights) {
    return new RecurrentLayer(
        cell,
        time,
        batch,
        input,
        hiddenUnits,
        outputUnits,
        parameters.withRecurrentWeights(weights),
        gradients,
        x,
        hidden,
        cellState,
        gates,
        packed,
        dHiddenSequence,
        dx,
        dHidden,
        dCell,
        zoneout);
  }

  /** The layer's output of {@code steps} steps: {@code [steps·batch, output]}. */
  public Matrix output(int steps) {
    return hidden.rows(batch, steps * batch);
  }

  /** Makes the state after {@code steps} steps the state before the next window. */
  public void carryState(int steps) {
    carry(hidden, steps);
    if (cell.hasCellState()) {
      carry(cellState, steps);
    }
  }

  private void carry(Matrix states, int steps) {
    states.arena().copy(states.at(steps * batch), states.offset(), (long) batch * states.stride());
  }

  /** The state before the window: {@code [batch, output]}, then the cell's, if there is one. */
  public void readState(float[] target, int from) {
    hidden.rows(0, batch).read(target, from);
    if (cell.hasCellState()) {
      cellState.rows(0, batch).read(target, from + batch * outputUnits);
    }
  }

  /** Sets the state before the window; see {@link #readState}. */
  public void writeState(float[] source, int from) {
    hidden.rows(0, batch).write(source, from);
    if (cell.hasCellState()) {
      cellState.rows(0, batch).write(source, from + batch * outputUnits);
    }
  }

  void checkForward(int steps, int[] tokens) {
    Checks.atMost("time", steps, time);
    if (isOneHot()) {
      Checks.indices("tokens", tokens, steps * batch, input);
    }
  }

  void checkBackward(int steps, int[] tokens) {
    checkForward(steps, tokens);
    if (gradients.isAbsent()) {
      throw new IllegalStateException("Cannot run backward: the layer was planned without it");
    }
  }

  /**
   * Plans a layer's own buffers; {@link Plan#bind} makes the layer when the arena is there.
   *
   * @param output columns of the hidden state
   * @param oneHot whether the input is a token
   * @param normalised whether the layer is
   * @param backward whether gradients will be computed
   */
  public static Plan plan(
      ArenaPlan arena,
      Kernel kernel,
      String name,
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
    int positions = Math.multiplyExact(time, batch);
    int states = Math.addExact(positions, batch);
    int cellStates = cell.hasCellState() ? states : 0;
    int gradientRows = backward ? batch : 0;
    return new Plan(
        cell,
        time,
        batch,
        input,
        hidden,
        output,
        backward,
        arena.padded(name + ".hidden", states, output),
        arena.padded(name + ".cell", cellStates, hidden),
        arena.padded(name + ".gates", positions, cell.gateColumns(hidden)),
        arena.region(
            name + ".packed",
            kernel.recurrentFloats(
                cell, time, batch, input, hidden, output, oneHot, normalised, backward)),
        arena.padded(name + ".dHiddenSequence", backward ? positions : 0, output),
        arena.padded(name + ".dHidden", gradientRows, output),
        arena.padded(name + ".dCell", cell.hasCellState() ? gradientRows : 0, hidden),
        ZoneoutBuffers.plan(
            arena, name, zoneout, time, batch, hidden, output, normalised, backward));
  }

  /** The regions of a layer in an arena that is still to be allocated. */
  public record Plan(
      CellKind cell,
      int time,
      int batch,
      int input,
      int hiddenUnits,
      int outputUnits,
      boolean backward,
      Region hidden,
      Region cellState,
      Region gates,
      Region packed,
      Region dHiddenSequence,
      Region dHidden,
      Region dCell,
      ZoneoutBuffers.Plan zoneout) {

    /**
     * The layer in its arena.
     *
     * @param gradients {@link RecurrentParameters#absent} if planned without backward
     * @param x {@link Matrix#absent} if one-hot
     * @param dx {@link Matrix#absent} if nobody needs it
     */
    public RecurrentLayer bind(
        Arena arena,
        RecurrentParameters parameters,
        RecurrentParameters gradients,
        Matrix x,
        Matrix dx) {
      int positions = time * batch;
      int states = positions + batch;
      boolean twoStates = cell.hasCellState();
      return new RecurrentLayer(
          cell,
          time,
          batch,
          input,
          hiddenUnits,
          outputUnits,
          parameters,
          gradients,
          x,
          hidden.padded(arena, states, outputUnits),
          window(cellState, arena, states, hiddenUnits, twoStates),
          gates.padded(arena, positions, cell.gateColumns(hiddenUnits)),
          packed,
          window(dHiddenSequence, arena, positions, outputUnits, backward),
          dx,
          window(dHidden, arena, batch, outputUnits, backward),
          window(dCell, arena, batch, hiddenUnits, backward && twoStates),
          zoneout.bind(arena));
    }

    private static Matrix window(
        Region region, Arena arena, int rows, int columns, boolean present) {
      return present ? region.padded(arena, rows, columns) : Matrix.absent(arena);
    }
  }
}
