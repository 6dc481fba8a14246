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
    LayerShape shape,
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
    int positions = shape.positions();
    boolean twoStates = shape.cell().hasCellState();
    Checks.sameArena(hidden, x, cellState, gates, dHiddenSequence, dx, dHidden, dCell);
    parameters.check(hidden.arena(), shape);
    if (shape.oneHot() != x.isAbsent()) {
      throw new IllegalArgumentException("Cannot have both tokens and x as input, or neither");
    }
    Checks.paddedOrAbsent("x", x, positions, shape.input());
    Checks.padded("hidden", hidden, shape.states(), shape.output());
    Checks.padded("gates", gates, positions, shape.gateColumns());
    if (twoStates) {
      Checks.padded("cellState", cellState, shape.states(), shape.hidden());
    }
    zoneout.check(hidden.arena(), shape);
    if (shape.backward()) {
      gradients.check(hidden.arena(), shape);
      Checks.padded("dHiddenSequence", dHiddenSequence, positions, shape.output());
      Checks.paddedOrAbsent("dx", dx, positions, shape.input());
      Checks.padded("dHidden", dHidden, shape.batch(), shape.output());
      if (twoStates) {
        Checks.padded("dCell", dCell, shape.batch(), shape.hidden());
      }
    }
  }

  public CellKind cell() {
    return shape.cell();
  }

  public int time() {
    return shape.time();
  }

  public int batch() {
    return shape.batch();
  }

  public int input() {
    return shape.input();
  }

  public int hiddenUnits() {
    return shape.hidden();
  }

  public int outputUnits() {
    return shape.output();
  }

  /**
   * The same layer that takes its recurrent weights, when it is packed, from elsewhere in its
   * arena.
   */
  public RecurrentLayer withRecurrentWeights(Matrix weights) {
    return new RecurrentLayer(
        shape,
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
    return hidden.rows(batch(), steps * batch());
  }

  /** Makes the state after {@code steps} steps the state before the next window. */
  public void carryState(int steps) {
    carry(hidden, steps);
    if (cell().hasCellState()) {
      carry(cellState, steps);
    }
  }

  private void carry(Matrix states, int steps) {
    states
        .arena()
        .copy(states.at(steps * batch()), states.offset(), (long) batch() * states.stride());
  }

  /** The state before the window: {@code [batch, output]}, then the cell's, if there is one. */
  public void readState(float[] target, int from) {
    hidden.rows(0, batch()).read(target, from);
    if (cell().hasCellState()) {
      cellState.rows(0, batch()).read(target, from + batch() * outputUnits());
    }
  }

  /** Sets the state before the window; see {@link #readState}. */
  public void writeState(float[] source, int from) {
    hidden.rows(0, batch()).write(source, from);
    if (cell().hasCellState()) {
      cellState.rows(0, batch()).write(source, from + batch() * outputUnits());
    }
  }

  void checkForward(int steps, int[] tokens) {
    Checks.atMost("time", steps, time());
    if (shape.oneHot()) {
      Checks.indices("tokens", tokens, steps * batch(), input());
    }
  }

  void checkBackward(int steps, int[] tokens) {
    checkForward(steps, tokens);
    if (!shape.backward()) {
      throw new IllegalStateException("Cannot run backward: the layer was planned without it");
    }
  }

  /** Plans a layer's own buffers; {@link Plan#bind} makes the layer when the arena is there. */
  public static Plan plan(ArenaPlan arena, Kernel kernel, String name, LayerShape shape) {
    int positions = shape.positions();
    int hidden = shape.hidden();
    int output = shape.output();
    boolean twoStates = shape.cell().hasCellState();
    int gradientRows = shape.backward() ? shape.batch() : 0;
    return new Plan(
        shape,
        arena.padded(name + ".hidden", shape.states(), output),
        arena.padded(name + ".cell", twoStates ? shape.states() : 0, hidden),
        arena.padded(name + ".gates", positions, shape.gateColumns()),
        arena.region(name + ".packed", kernel.recurrentFloats(shape)),
        arena.padded(name + ".dHiddenSequence", shape.backward() ? positions : 0, output),
        arena.padded(name + ".dHidden", gradientRows, output),
        arena.padded(name + ".dCell", twoStates ? gradientRows : 0, hidden),
        ZoneoutBuffers.plan(arena, name, shape));
  }

  /** The regions of a layer in an arena that is still to be allocated. */
  public record Plan(
      LayerShape shape,
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
      int batch = shape.batch();
      int units = shape.hidden();
      int outputs = shape.output();
      boolean backward = shape.backward();
      boolean twoStates = shape.cell().hasCellState();
      return new RecurrentLayer(
          shape,
          parameters,
          gradients,
          x,
          hidden.padded(arena, shape.states(), outputs),
          window(cellState, arena, shape.states(), units, twoStates),
          gates.padded(arena, shape.positions(), shape.gateColumns()),
          packed,
          window(dHiddenSequence, arena, shape.positions(), outputs, backward),
          dx,
          window(dHidden, arena, batch, outputs, backward),
          window(dCell, arena, batch, units, backward && twoStates),
          zoneout.bind(arena));
    }

    private static Matrix window(
        Region region, Arena arena, int rows, int columns, boolean present) {
      return present ? region.padded(arena, rows, columns) : Matrix.absent(arena);
    }
  }
}
