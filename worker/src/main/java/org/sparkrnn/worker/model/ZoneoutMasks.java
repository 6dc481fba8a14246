package org.sparkrnn.worker.model;

import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.kernel.RecurrentLayer;
import org.sparkrnn.worker.kernel.ZoneoutBuffers;
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
    ZoneoutBuffers zoneout = layer.zoneout();
    float hidden = layer.shape().zoneout().hidden();
    draw(zoneout.hiddenUpdates(), time, layer.outputUnits(), hidden, 0, masks);
    draw(
        zoneout.cellUpdates(), time, layer.hiddenUnits(), layer.shape().zoneout().cell(), 1, masks);
  }

  private void draw(Matrix updates, int time, int units, float rate, int state, Masks masks) {
    if (!updates.isAbsent()) {
      PhiloxKey key =
          PhiloxKey.zoneout(
              masks.seed(), (int) masks.step(), masks.replica(), index, direction, state);
      kernel.choose(updates, time, units, rate, key);
    }
  }
}
