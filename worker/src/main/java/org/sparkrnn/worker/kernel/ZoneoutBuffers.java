package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.Matrix.absent;

import org.sparkrnn.worker.kernel.ArenaPlan.Region;

/**
 * What a layer with {@link Zoneout} needs beside its states, which are those after zoneout. All are
 * padded; absent are those of a state without zoneout, and all of a layer that only runs forward,
 * in which every unit takes the mean of its two states.
 *
 * @param hiddenUpdates {@code [time·batch, output]}: 1 where the unit takes its new hidden state,
 *     +0 where it keeps the one before; the caller draws it before {@link Kernel#forward}
 * @param cellUpdates {@code [time·batch, hidden]}, likewise for the cell state
 * @param newCells {@code [time·batch, hidden]}: the cell state that the cell computes
 * @param dPastHidden {@code [batch, output]}: gradient by the hidden state that goes past the cell;
 *     of one step
 * @param dPastCell {@code [batch, hidden]}, likewise by the cell state
 */
public record ZoneoutBuffers(
    Zoneout rates,
    Matrix hiddenUpdates,
    Matrix cellUpdates,
    Matrix newCells,
    Matrix dPastHidden,
    Matrix dPastCell) {

  void check(
      CellKind cell,
      Arena arena,
      int positions,
      int batch,
      int units,
      int outputs,
      boolean backward) {
    if (rates.cell() > 0 && !cell.hasCellState()) {
      throw new IllegalArgumentException("Cannot keep cell states: %s has none".formatted(cell));
    }
    Checks.sameArena(absent(arena), hiddenUpdates, cellUpdates, newCells, dPastHidden, dPastCell);
    if (backward && rates.hidden() > 0) {
      Checks.padded("hiddenUpdates", hiddenUpdates, positions, outputs);
      Checks.padded("dPastHidden", dPastHidden, batch, outputs);
    }
    if (backward && rates.cell() > 0) {
      Checks.padded("cellUpdates", cellUpdates, positions, units);
      Checks.padded("newCells", newCells, positions, units);
      Checks.padded("dPastCell", dPastCell, batch, units);
    }
  }

  static Plan plan(
      ArenaPlan arena,
      String name,
      Zoneout rates,
      int positions,
      int batch,
      int units,
      int outputs,
      boolean backward) {
    boolean hidden = backward && rates.hidden() > 0;
    boolean cell = backward && rates.cell() > 0;
    return new Plan(
        rates,
        positions,
        batch,
        units,
        outputs,
        arena.padded(name + ".hiddenUpdates", hidden ? positions : 0, outputs),
        arena.padded(name + ".cellUpdates", cell ? positions : 0, units),
        arena.padded(name + ".newCells", cell ? positions : 0, units),
        arena.padded(name + ".dPastHidden", hidden ? batch : 0, outputs),
        arena.padded(name + ".dPastCell", cell ? batch : 0, units));
  }

  record Plan(
      Zoneout rates,
      int positions,
      int batch,
      int units,
      int outputs,
      Region hiddenUpdates,
      Region cellUpdates,
      Region newCells,
      Region dPastHidden,
      Region dPastCell) {

    ZoneoutBuffers bind(Arena arena) {
      return new ZoneoutBuffers(
          rates,
          matrix(hiddenUpdates, arena, positions, outputs),
          matrix(cellUpdates, arena, positions, units),
          matrix(newCells, arena, positions, units),
          matrix(dPastHidden, arena, batch, outputs),
          matrix(dPastCell, arena, batch, units));
    }

    private static Matrix matrix(Region region, Arena arena, int rows, int columns) {
      return region.floats() == 0 ? absent(arena) : region.padded(arena, rows, columns);
    }
  }
}
