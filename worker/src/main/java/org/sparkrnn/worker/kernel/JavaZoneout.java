package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.Matrix.LANES;

/** Zoneout of one layer: around what the cell computes of a position, whatever the cell. */
final class JavaZoneout {
  private final float[] data;
  private final RecurrentLayer layer;
  private final ZoneoutBuffers zoneout;
  private final Zoneout rates;
  private final int batch;

  /** What goes past the cell of a step's gradients. */
  private final float[] dPastHidden;

  private final float[] dPastCell;

  JavaZoneout(float[] data, RecurrentLayer layer) {
    this.data = data;
    this.layer = layer;
    this.zoneout = layer.zoneout();
    this.rates = layer.shape().zoneout();
    this.batch = layer.batch();
    boolean chosen = layer.shape().backward();
    this.dPastHidden = new float[chosen && rates.hidden() > 0 ? batch * layer.outputUnits() : 0];
    this.dPastCell = new float[chosen && rates.cell() > 0 ? batch * layer.hiddenUnits() : 0];
  }

  /** Where the cell writes the cell state of a position. */
  int newCell(int p) {
    boolean kept = !zoneout.newCells().isAbsent();
    return (int) (kept ? zoneout.newCells().at(p) : layer.cellState().at(p + batch));
  }

  /** Makes the hidden state that was computed of a position that after the step. */
  void hiddenForward(int p) {
    if (rates.hidden() > 0) {
      int hidden = (int) layer.hidden().at(p + batch);
      int before = (int) layer.hidden().at(p);
      mix(rates.hidden(), zoneout.hiddenUpdates(), p, before, hidden, hidden, layer.outputUnits());
    }
  }

  /** Likewise the cell state. */
  void cellForward(int p) {
    if (rates.cell() > 0) {
      int after = (int) layer.cellState().at(p + batch);
      int before = (int) layer.cellState().at(p);
      mix(rates.cell(), zoneout.cellUpdates(), p, before, newCell(p), after, layer.hiddenUnits());
    }
  }

  private void mix(
      float rate, Matrix updates, int p, int before, int computed, int after, int columns) {
    for (int u = 0; u < columns; u++) {
      float old = data[before + u];
      float next = data[computed + u];
      if (updates.isAbsent()) {
        data[after + u] = Math.fma(rate, old - next, next);
      } else {
        data[after + u] = isUpdated(updates, p, u) ? next : old;
      }
    }
  }

  private boolean isUpdated(Matrix updates, int p, int u) {
    int blocks = updates.rows() / layer.time();
    long at = updates.at(p / batch * blocks + u / LANES) + p % batch;
    return ((int) data[(int) at] >> u % LANES & 1) == 1;
  }

  /**
   * Before the cell's backward: takes what goes past the cell out of the gradient by the hidden
   * state after the step.
   */
  void hiddenBeforeBackward(int p) {
    if (rates.hidden() > 0) {
      split(zoneout.hiddenUpdates(), p, layer.dHidden(), dPastHidden);
    }
  }

  /** Likewise by the cell state. */
  void cellBeforeBackward(int p) {
    if (rates.cell() > 0) {
      split(zoneout.cellUpdates(), p, layer.dCell(), dPastCell);
    }
  }

  private void split(Matrix updates, int p, Matrix gradients, float[] past) {
    int units = gradients.columns();
    int d = (int) gradients.at(p % batch);
    for (int u = 0; u < units; u++) {
      boolean updated = isUpdated(updates, p, u);
      past[p % batch * units + u] = updated ? 0f : data[d + u];
      data[d + u] = updated ? data[d + u] : 0f;
    }
  }

  /** After the cell's backward: adds it to the gradient by the hidden state before the step. */
  void hiddenAfterBackward(int p) {
    if (rates.hidden() > 0) {
      add(dPastHidden, p, layer.dHidden(), !layer.cell().hasDirectPath());
    }
  }

  /** Likewise by the cell state. */
  void cellAfterBackward(int p) {
    if (rates.cell() > 0) {
      add(dPastCell, p, layer.dCell(), false);
    }
  }

  private void add(float[] past, int p, Matrix gradients, boolean overwrite) {
    int units = gradients.columns();
    int d = (int) gradients.at(p % batch);
    for (int u = 0; u < units; u++) {
      float kept = past[p % batch * units + u];
      data[d + u] = overwrite ? kept : data[d + u] + kept;
    }
  }

  /** Whether the hidden state reaches the next one past the recurrent product too. */
  boolean hasDirectPath() {
    return layer.cell().hasDirectPath() || rates.hidden() > 0;
  }
}
