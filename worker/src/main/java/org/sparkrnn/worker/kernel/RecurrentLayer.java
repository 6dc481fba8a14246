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
 * @param parameters read
 * @param gradients overwritten by {@link Kernel#backward}; absent if it never runs
 * @param x {@code [time·batch, input]}, padded; absent if the input is one-hot
 * @param hidden {@code [(time+1)·batch, hidden]}, padded
 * @param cellState {@code [(time+1)·batch, hidden]}, padded; absent if the cell has one state
 * @param gates see above; padded
 * @param packed private to the kernel: {@link Kernel#recurrentFloats} floats, written by {@link
 *     Kernel#pack}; also its scratch memory
 * @param dHiddenSequence {@code [time·batch, hidden]}, padded; gradient by the layer's output, read
 *     by {@link Kernel#backward}; absent like {@code gradients}
 * @param dx {@code [time·batch, input]}, padded, overwritten by {@link Kernel#backward}; absent if
 *     nobody needs it
 * @param dHidden {@code [batch, hidden]}, padded; in: gradient by the state after the window; out:
 *     gradient by the state before it
 * @param dCell likewise for the cell state; absent if there is none
 * @param zoneout what units keep of their states
 */
public record RecurrentLayer(
    CellKind cell,
    int time,
    int batch,
    int input,
    int hiddenUnits,
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
    Checks.sameArena(hidden, x, cellState, gates, dHiddenSequence, dx, dHidden, dCell);
    parameters.check(hidden.arena(), cell, input, hiddenUnits);
    Checks.paddedOrAbsent("x", x, positions, input);
    Checks.padded("hidden", hidden, states, hiddenUnits);
    Checks.padded("gates", gates, positions, cell.gateColumns(hiddenUnits));
    if (cell.hasCellState()) {
      Checks.padded("cellState", cellState, states, hiddenUnits);
    }
    zoneout.check(cell, hidden.arena(), positions, batch, hiddenUnits, !gradients.isAbsent());
    if (!gradients.isAbsent()) {
      gradients.check(hidden.arena(), cell, input, hiddenUnits);
      Checks.padded("dHiddenSequence", dHiddenSequence, positions, hiddenUnits);
      Checks.paddedOrAbsent("dx", dx, positions, input);
      Checks.padded("dHidden", dHidden, batch, hiddenUnits);
      if (cell.hasCellState()) {
        Checks.padded("dCell", dCell, batch, hiddenUnits);
      }
    }
  }

  /** Whether the input is a token, which selects a column of {@code weight_ih}. */
  public boolean isOneHot() {
    return x.isAbsent();
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

  /** The layer's output of {@code steps} steps: {@code [steps·batch, hidden]}. */
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

  /** The state before the window, {@code [states, batch, hidden]} in {@link CellKind} order. */
  public void readState(float[] target, int from) {
    hidden.rows(0, batch).read(target, from);
    if (cell.hasCellState()) {
      cellState.rows(0, batch).read(target, from + batch * hiddenUnits);
    }
  }

  /** Sets the state before the window; see {@link #readState}. */
  public void writeState(float[] source, int from) {
    hidden.rows(0, batch).write(source, from);
    if (cell.hasCellState()) {
      cellState.rows(0, batch).write(source, from + batch * hiddenUnits);
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
   * @param oneHot whether the input is a token
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
      boolean oneHot,
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
        backward,
        arena.padded(name + ".hidden", states, hidden),
        arena.padded(name + ".cell", cellStates, hidden),
        arena.padded(name + ".gates", positions, cell.gateColumns(hidden)),
        arena.region(
            name + ".packed",
            kernel.recurrentFloats(cell, time, batch, input, hidden, oneHot, backward)),
        arena.padded(name + ".dHiddenSequence", backward ? positions : 0, hidden),
        arena.padded(name + ".dHidden", gradientRows, hidden),
        arena.padded(name + ".dCell", cell.hasCellState() ? gradientRows : 0, hidden),
        ZoneoutBuffers.plan(arena, name, zoneout, positions, batch, hidden, backward));
  }

  /** The regions of a layer in an arena that is still to be allocated. */
  public record Plan(
      CellKind cell,
      int time,
      int batch,
      int input,
      int hiddenUnits,
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
          parameters,
          gradients,
          x,
          hidden.padded(arena, states, hiddenUnits),
          window(cellState, arena, states, twoStates),
          gates.padded(arena, positions, cell.gateColumns(hiddenUnits)),
          packed,
          window(dHiddenSequence, arena, positions, backward),
          dx,
          window(dHidden, arena, batch, backward),
          window(dCell, arena, batch, backward && twoStates),
          zoneout.bind(arena));
    }

    private Matrix window(Region region, Arena arena, int rows, boolean present) {
      return present ? region.padded(arena, rows, hiddenUnits) : Matrix.absent(arena);
    }
  }
}
