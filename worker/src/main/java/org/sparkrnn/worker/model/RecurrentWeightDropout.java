package org.sparkrnn.worker.model;

import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.kernel.RecurrentLayer;
import org.sparkrnn.worker.model.LanguageModel.Masks;
import org.sparkrnn.worker.random.PhiloxKey;

/**
 * Dropout of the weights from a hidden state to the next of one layer and direction: the same mask
 * at all steps of a window (Merity, Keskar and Socher 2018, after DropConnect of Wan et al. 2013).
 *
 * <p>The kernel reads weights where it packs them, once per local step. What is packed here is a
 * masked copy, which lies where {@link RecurrentLayer#gradients} will be: the backward pass, which
 * overwrites it, reads packed weights only. So this takes no memory, and the steps of a window no
 * time.
 */
public final class RecurrentWeightDropout {
  private final Kernel kernel;
  private final float rate;
  private final int index;
  private final int direction;
  private final RecurrentLayer layer;

  /** The layer with the masked copy as its weights. */
  private final RecurrentLayer masked;

  /**
   * @param index of the layer, counted from the input
   * @param direction 0 forwards, 1 backwards
   * @param layer with gradients
   */
  public RecurrentWeightDropout(
      Kernel kernel, float rate, int index, int direction, RecurrentLayer layer) {
    this.kernel = kernel;
    this.rate = rate;
    this.index = index;
    this.direction = direction;
    this.layer = layer;
    this.masked = layer.withRecurrentWeights(layer.gradients().recurrentWeights());
  }

  /** Packs the layer with the weights that a local step keeps; before it runs forward. */
  public void pack(Masks masks) {
    drop(layer.parameters().recurrentWeights(), masks);
    kernel.pack(masked);
  }

  /** After the backward pass: from the gradient by the masked weights to that by the weights. */
  public void backward(Masks masks) {
    drop(layer.gradients().recurrentWeights(), masks);
  }

  private void drop(Matrix in, Masks masks) {
    PhiloxKey key =
        PhiloxKey.recurrentWeightDropout(
            masks.seed(), (int) masks.step(), masks.replica(), index, direction);
    Matrix out = layer.gradients().recurrentWeights();
    kernel.dropout(in, out, in.rows(), in.rows(), rate, key);
  }
}
