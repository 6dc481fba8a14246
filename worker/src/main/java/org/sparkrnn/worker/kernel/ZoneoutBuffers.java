package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.Matrix.absent;

import org.sparkrnn.worker.kernel.ArenaPlan.Region;

/**
 * What a layer with {@link Zoneout} needs beside its states, which are those after zoneout. All are
 * padded; absent are those of a state without zoneout, and all of a layer that only runs forward,
 * in which every unit takes the mean of its two states.
 *
 * @param hiddenUpdates {@code [time·blocks of output, batch]}: which units take their new hidden
 *     state, the others keep the one before; the caller draws it before {@link Kernel#forward} by
 *     {@link Kernel#choose}
 * @param cellUpdates {@code [time·blocks of hidden, batch]}, likewise for the cell state
 * @param newCells {@code [time·batch, hidden]}: the cell state that the cell computes, where the
 *     layer is normalised; elsewhere backward computes it again
 * @param dPastCell {@code [batch, hidden]}: gradient by the cell state that goes past the cell, of
 *     one step, where the layer is normalised
 */
public record ZoneoutBuffers(
    Matrix hiddenUpdates, Matrix cellUpdates, Matrix newCells, Matrix dPastCell) {

  void check(Arena arena, LayerShape shape) {
    Rows rows = Rows.of(shape);
    Checks.sameArena(absent(arena), hiddenUpdates, cellUpdates, newCells, dPastCell);
    check("hiddenUpdates", hiddenUpdates, rows.hiddenUpdates(), shape.batch());
    check("cellUpdates", cellUpdates, rows.cellUpdates(), shape.batch());
    check("newCells", newCells, rows.newCells(), shape.hidden());
    check("dPastCell", dPastCell, rows.dPastCell(), shape.hidden());
  }

  private static void check(String name, Matrix matrix, int rows, int columns) {
    if (rows > 0) {
      Checks.padded(name, matrix, rows, columns);
    }
  }

  /** How many each buffer has; 0: it is absent. */
  private record Rows(int hiddenUpdates, int cellUpdates, int newCells, int dPastCell) {
    static Rows of(LayerShape shape) {
      boolean ofHidden = shape.backward() && shape.zoneout().hidden() > 0;
      boolean ofCell = shape.backward() && shape.zoneout().cell() > 0;
      boolean apart = ofCell && shape.normalised();
      return new Rows(
          ofHidden ? shape.time() * Matrix.blocks(shape.output()) : 0,
          ofCell ? shape.time() * Matrix.blocks(shape.hidden()) : 0,
          apart ? shape.positions() : 0,
          apart ? shape.batch() : 0);
    }
  }

  static Plan plan(ArenaPlan arena, String name, LayerShape shape) {
    Rows rows = Rows.of(shape);
    return new Plan(
        shape,
        arena.padded(name + ".hiddenUpdates", rows.hiddenUpdates(), shape.batch()),
        arena.padded(name + ".cellUpdates", rows.cellUpdates(), shape.batch()),
        arena.padded(name + ".newCells", rows.newCells(), shape.hidden()),
        arena.padded(name + ".dPastCell", rows.dPastCell(), shape.hidden()));
  }

  /** The regions of a layer's buffers. */
  record Plan(
      LayerShape shape,
      Region hiddenUpdates,
      Region cellUpdates,
      Region newCells,
      Region dPastCell) {

    ZoneoutBuffers bind(Arena arena) {
      Rows rows = Rows.of(shape);
      return new ZoneoutBuffers(
          matrix(hiddenUpdates, arena, rows.hiddenUpdates(), shape.batch()),
          matrix(cellUpdates, arena, rows.cellUpdates(), shape.batch()),
          matrix(newCells, arena, rows.newCells(), shape.hidden()),
          matrix(dPastCell, arena, rows.dPastCell(), shape.hidden()));
    }

    private static Matrix matrix(Region region, Arena arena, int rows, int columns) {
      return rows == 0 ? absent(arena) : region.padded(arena, rows, columns);
    }
  }
}
