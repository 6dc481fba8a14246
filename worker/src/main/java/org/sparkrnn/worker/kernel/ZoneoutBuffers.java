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
    Zoneout rates, Matrix hiddenUpdates, Matrix cellUpdates, Matrix newCells, Matrix dPastCell) {

  void check(
      CellKind cell,
      Arena arena,
      int time,
      int batch,
      int units,
      int outputs,
      boolean normalised,
      boolean backward) {
    if (rates.cell() > 0 && !cell.hasCellState()) {
      throw new IllegalArgumentException("Cannot keep cell states: %s has none".formatted(cell));
    }
    Checks.sameArena(absent(arena), hiddenUpdates, cellUpdates, newCells, dPastCell);
    if (backward && rates.hidden() > 0) {
      Checks.padded("hiddenUpdates", hiddenUpdates, time * Matrix.blocks(outputs), batch);
    }
    if (backward && rates.cell() > 0) {
      Checks.padded("cellUpdates", cellUpdates, time * Matrix.blocks(units), batch);
    }
    if (backward && rates.cell() > 0 && normalised) {
      Checks.padded("newCells", newCells, time * batch, units);
      Checks.padded("dPastCell", dPastCell, batch, units);
    }
  }

  static Plan plan(
      ArenaPlan arena,
      String name,
      Zoneout rates,
      int time,
      int batch,
      int units,
      int outputs,
      boolean normalised,
      boolean backward) {
    int ofHidden = backward && rates.hidden() > 0 ? time * Matrix.blocks(outputs) : 0;
    int ofCell = backward && rates.cell() > 0 ? time * Matrix.blocks(units) : 0;
    boolean apart = ofCell > 0 && normalised;
    return new Plan(
        rates,
        batch,
        units,
        ofHidden,
        ofCell,
        apart ? time * batch : 0,
        apart ? batch : 0,
        arena.padded(name + ".hiddenUpdates", ofHidden, batch),
        arena.padded(name + ".cellUpdates", ofCell, batch),
        arena.padded(name + ".newCells", apart ? time * batch : 0, units),
        arena.padded(name + ".dPastCell", apart ? batch : 0, units));
  }

  /** The regions, and how many rows each has. */
  record Plan(
      Zoneout rates,
      int batch,
      int units,
      int hiddenRows,
      int cellRows,
      int newRows,
      int pastRows,
      Region hiddenUpdates,
      Region cellUpdates,
      Region newCells,
      Region dPastCell) {

    ZoneoutBuffers bind(Arena arena) {
      return new ZoneoutBuffers(
          rates,
          matrix(hiddenUpdates, arena, hiddenRows, batch),
          matrix(cellUpdates, arena, cellRows, batch),
          matrix(newCells, arena, newRows, units),
          matrix(dPastCell, arena, pastRows, units));
    }

    private static Matrix matrix(Region region, Arena arena, int rows, int columns) {
      return rows == 0 ? absent(arena) : region.padded(arena, rows, columns);
    }
  }
}
