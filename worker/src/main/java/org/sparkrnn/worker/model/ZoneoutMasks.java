package org.sparkrnn.worker.model;

import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.kernel.RecurrentLayer;
import org.sparkrnn.worker.model.LanguageModel.Masks;
import org.sparkrnn.worker.random.PhiloxKey;

/**
 * Draws which units of one layer and direction take their new states, and which keep those of the
 * step before.
 *
 * @param index of the layer, counted from the input
 * @param direction 0 forwards, 1 backwards
 * @param layer with gradients
 */
public record ZoneoutMasks(Kernel kernel, int index, int direction, RecurrentLayer layer) {

  /** For a window of that many steps; before it runs forward. */
  public void draw(int time, Masks masks) {
    int rows = time * layer.batch();
    draw(layer.zoneout().hiddenUpdates(), rows, layer.zoneout().rates().hidden(), 0, masks);
    draw(layer.zoneout().cellUpdates(), rows, layer.zoneout().rates().cell(), 1, masks);
  }

  private void draw(Matrix updates, int rows, float rate, int state, Masks masks) {
    if (!updates.isAbsent()) {
      PhiloxKey key =
          PhiloxKey.zoneout(
              masks.seed(), (int) masks.step(), masks.replica(), index, direction, state);
      kernel.keep(updates, rows, rate, key);
    }
  }
}
