package org.sparkrnn.worker.kernel;

import java.util.Arrays;
import org.sparkrnn.worker.kernel.JavaProducts.Operand;

/**
 * The projection of what a cell computes to fewer columns of the hidden state (Sak, Senior and
 * Beaufays 2014; PyTorch's {@code proj_size}): {@code h = W_hr m}.
 *
 * <p>Packed: the transpose of the weights {@code [hidden, output]}; m {@code [time·batch, hidden]};
 * with gradients, those by h {@code [time·batch, output]} and by one step's m {@code [batch,
 * hidden]}. Nothing where there is no projection.
 */
final class JavaProjection {
  private final float[] data;
  private final RecurrentLayer layer;
  private final JavaProducts products;
  private final int units;
  private final int outputs;
  private final int batch;
  private final int forward;
  private final int states;
  private final int dOutputs;
  private final int dStates;

  JavaProjection(float[] data, RecurrentLayer layer, JavaProducts products, int from) {
    this.data = data;
    this.layer = layer;
    this.products = products;
    this.units = layer.hiddenUnits();
    this.outputs = layer.outputUnits();
    this.batch = layer.batch();
    int positions = layer.shape().positions();
    this.forward = from;
    this.states = forward + units * outputs;
    this.dOutputs = states + positions * units;
    this.dStates = dOutputs + positions * outputs;
  }

  static long packedFloats(LayerShape shape) {
    if (!shape.isProjected()) {
      return 0;
    }
    long states = (long) shape.positions() * shape.hidden();
    long gradients =
        (long) shape.positions() * shape.output() + (long) shape.batch() * shape.hidden();
    return shape.projection() + states + (shape.backward() ? gradients : 0);
  }

  void pack() {
    if (layer.shape().isProjected()) {
      int weights = (int) layer.parameters().projection().offset();
      JavaProducts.transpose(data, weights, units, outputs, units, forward, outputs);
    }
  }

  /** Where the cell writes what it computes of a position. */
  int computed(int p) {
    return layer.shape().isProjected() ? states + p * units : (int) layer.hidden().at(p + batch);
  }

  /** The hidden states of a step. */
  void forward(int t) {
    Matrix hidden = layer.hidden().rows((t + 1) * batch, batch);
    hidden.zero();
    products.addProduct(
        Operand.rowsOf(hidden, 0),
        batch,
        outputs,
        Operand.rows(computed(t * batch), units),
        units,
        forward,
        outputs);
  }

  /** Where the cell finds the gradient by what it computed of a position. */
  int dComputed(int p) {
    int b = p % batch;
    return layer.shape().isProjected() ? dStates + b * units : (int) layer.dHidden().at(b);
  }

  /** From the gradient by a step's hidden states, which is kept, to that by m. */
  void backward(int t) {
    int kept = dOutputs + t * batch * outputs;
    for (int b = 0; b < batch; b++) {
      System.arraycopy(data, (int) layer.dHidden().at(b), data, kept + b * outputs, outputs);
    }
    Arrays.fill(data, dStates, dStates + batch * units, 0f);
    products.addProduct(
        Operand.rows(dStates, units),
        batch,
        units,
        Operand.rows(kept, outputs),
        outputs,
        (int) layer.parameters().projection().offset(),
        units);
  }

  /** The gradient by the weights. */
  void gradient(int positions) {
    if (layer.shape().isProjected()) {
      Matrix gradient = layer.gradients().projection();
      gradient.zero();
      products.addProduct(
          Operand.rowsOf(gradient, 0),
          outputs,
          units,
          Operand.columns(dOutputs, outputs),
          positions,
          states,
          units);
    }
  }
}
