package org.sparkrnn.worker.kernel;

/** Zoneout of one layer: around what the cell computes of a position, whatever the cell. */
final class JavaZoneout {
  private final float[] data;
  private final RecurrentLayer layer;
  private final ZoneoutBuffers zoneout;
  private final int units;
  private final int batch;

  JavaZoneout(float[] data, RecurrentLayer layer) {
    this.data = data;
    this.layer = layer;
    this.zoneout = layer.zoneout();
    this.units = layer.hiddenUnits();
    this.batch = layer.batch();
  }

  /** Where the cell writes the cell state of a position. */
  int newCell(int p) {
    boolean kept = !zoneout.newCells().isAbsent();
    return (int) (kept ? zoneout.newCells().at(p) : layer.cellState().at(p + batch));
  }

  /** Makes the states that the cell has computed of a position those after the step. */
  void forward(int p) {
    if (zoneout.rates().hidden() > 0) {
      int hidden = (int) layer.hidden().at(p + batch);
      int before = (int) layer.hidden().at(p);
      mix(zoneout.rates().hidden(), zoneout.hiddenUpdates(), p, before, hidden, hidden);
    }
    if (zoneout.rates().cell() > 0) {
      int after = (int) layer.cellState().at(p + batch);
      int before = (int) layer.cellState().at(p);
      mix(zoneout.rates().cell(), zoneout.cellUpdates(), p, before, newCell(p), after);
    }
  }

  private void mix(float rate, Matrix updates, int p, int before, int computed, int after) {
    for (int u = 0; u < units; u++) {
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
    return data[(int) updates.at(p) + u] > 0;
  }

  /**
   * Before the cell's backward: takes what goes past the cell out of the gradients by the states
   * after the step.
   */
  void beforeBackward(int p) {
    if (zoneout.rates().hidden() > 0) {
      split(zoneout.hiddenUpdates(), p, layer.dHidden(), zoneout.dPastHidden());
    }
    if (zoneout.rates().cell() > 0) {
      split(zoneout.cellUpdates(), p, layer.dCell(), zoneout.dPastCell());
    }
  }

  private void split(Matrix updates, int p, Matrix gradients, Matrix past) {
    int d = (int) gradients.at(p % batch);
    int dPast = (int) past.at(p % batch);
    for (int u = 0; u < units; u++) {
      boolean updated = isUpdated(updates, p, u);
      data[dPast + u] = updated ? 0f : data[d + u];
      data[d + u] = updated ? data[d + u] : 0f;
    }
  }

  /** After the cell's backward: adds it to the gradients by the states before the step. */
  void afterBackward(int p) {
    if (zoneout.rates().hidden() > 0) {
      add(zoneout.dPastHidden(), p, layer.dHidden(), !layer.cell().hasDirectPath());
    }
    if (zoneout.rates().cell() > 0) {
      add(zoneout.dPastCell(), p, layer.dCell(), false);
    }
  }

  private void add(Matrix past, int p, Matrix gradients, boolean overwrite) {
    int d = (int) gradients.at(p % batch);
    int dPast = (int) past.at(p % batch);
    for (int u = 0; u < units; u++) {
      data[d + u] = overwrite ? data[dPast + u] : data[d + u] + data[dPast + u];
    }
  }

  /** Whether the hidden state reaches the next one past the recurrent product too. */
  boolean hasDirectPath() {
    return layer.cell().hasDirectPath() || zoneout.rates().hidden() > 0;
  }
}
