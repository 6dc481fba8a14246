package org.sparkrnn.worker.reference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.sparkrnn.common.config.LossConfig.Reduction;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.model.ModelSpec;

/**
 * A language model in double: embedding or one-hot → dropout → recurrent layers, dropout after each
 * → softmax and cross-entropy; forward and backward over one window.
 *
 * <p>Position {@code step·streams + stream}. The state is {@code [layer, state, stream, unit]}.
 * Masks are given: one array per place (0 the embedding, l the output of layer l), an element the
 * factor of the activation (0 or 1/(1 − rate)); an empty array drops nothing.
 */
public final class ReferenceModel {
  private final ModelSpec spec;
  private final ParameterLayout layout;
  private final int streams;
  private final double[] w;
  private final List<ReferenceLayer> layers = new ArrayList<>();

  /** Output of the layer stack after dropout, {@code [position, unit]}. */
  private double[] top = new double[0];

  /** {@code [position, vocabulary]}. */
  private double[] probabilities = new double[0];

  private double[] losses = new double[0];
  private int[] tokens = new int[0];
  private int[] labels = new int[0];

  public ReferenceModel(ModelSpec spec, int streams, double[] parameters) {
    this.spec = spec;
    this.layout = spec.layout();
    this.streams = streams;
    this.w = parameters;
    for (int layer = 0; layer < spec.layers(); layer++) {
      layers.add(new ReferenceLayer(spec.cell(), layout, layer, streams));
    }
  }

  /** Masks that drop nothing. */
  public static double[][] withoutDropout(ModelSpec spec) {
    return new double[spec.layers() + 1][0];
  }

  /** The factor of every position's loss in the number that is differentiated. */
  public static double scale(Reduction reduction, int time, int streams) {
    return switch (reduction) {
      case TOKEN_MEAN -> 1.0 / (time * streams);
      case SUM_TIME_MEAN_BATCH -> 1.0 / streams;
    };
  }

  /** Losses of a window in nats, one per position. */
  public double[] forward(
      int time, int[] windowTokens, int[] windowLabels, double[] state, double[][] masks) {
    tokens = windowTokens;
    labels = windowLabels;
    double[] activations = spec.isOneHot() ? new double[0] : masked(embedded(time), masks[0]);
    for (int layer = 0; layer < layers.size(); layer++) {
      int[] oneHot = spec.isOneHot() && layer == 0 ? tokens : new int[0];
      double[] output =
          layers.get(layer).forward(w, time, layerState(state, layer), activations, oneHot);
      activations = masked(output, masks[layer + 1]);
    }
    top = activations;
    softmax(time * streams);
    return losses.clone();
  }

  private double[] embedded(int time) {
    int columns = spec.embedding();
    int table = layout.block(ModelSpec.EMBEDDING_WEIGHT).offset();
    double[] rows = new double[time * streams * columns];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = w[table + tokens[i / columns] * columns + i % columns];
    }
    return rows;
  }

  private static double[] masked(double[] values, double[] mask) {
    double[] result = values.clone();
    for (int i = 0; i < mask.length; i++) {
      result[i] *= mask[i];
    }
    return result;
  }

  private double[][] layerState(double[] state, int layer) {
    int size = streams * spec.hidden();
    double[][] parts = new double[spec.cell().states()][size];
    for (int s = 0; s < parts.length; s++) {
      System.arraycopy(state, (layer * parts.length + s) * size, parts[s], 0, size);
    }
    return parts;
  }

  private void softmax(int positions) {
    int vocabulary = spec.vocabulary();
    int weights = layout.block(ModelSpec.OUTPUT_WEIGHT).offset();
    int bias = layout.block(ModelSpec.OUTPUT_BIAS).offset();
    probabilities = new double[positions * vocabulary];
    losses = new double[positions];
    for (int p = 0; p < positions; p++) {
      double[] logits = new double[vocabulary];
      double largest = Double.NEGATIVE_INFINITY;
      for (int v = 0; v < vocabulary; v++) {
        logits[v] = w[bias + v];
        for (int k = 0; k < spec.hidden(); k++) {
          logits[v] += top[p * spec.hidden() + k] * w[weights + v * spec.hidden() + k];
        }
        largest = Math.max(largest, logits[v]);
      }
      double sum = 0;
      for (double logit : logits) {
        sum += StrictMath.exp(logit - largest);
      }
      for (int v = 0; v < vocabulary; v++) {
        probabilities[p * vocabulary + v] = StrictMath.exp(logits[v] - largest) / sum;
      }
      losses[p] = StrictMath.log(sum) + largest - logits[labels[p]];
    }
  }

  /** The state after the window that ran last. */
  public double[] finalState() {
    double[] state = new double[spec.stateFloats(streams)];
    int at = 0;
    for (ReferenceLayer layer : layers) {
      for (double[] part : layer.finalState()) {
        System.arraycopy(part, 0, state, at, part.length);
        at += part.length;
      }
    }
    return state;
  }

  /** Output of the last layer, {@code [position, unit]}, after dropout. */
  public double[] output() {
    return top.clone();
  }

  /**
   * After {@link #backward}: gradient by a layer's hidden state after each step, {@code [position,
   * unit]}, by way of its output and of all later steps. Not a copy.
   */
  public double[] dHidden(int layer) {
    return layers.get(layer).dHidden();
  }

  /** Gradients of {@code scale·Σ losses} of the window that ran last, by parameters and state. */
  public Gradients backward(double scale, double[][] masks) {
    double[] scales = new double[labels.length];
    Arrays.fill(scales, scale);
    return backward(scales, masks);
  }

  /**
   * Gradients of {@code Σ scales[p]·losses[p]} of the window that ran last.
   *
   * @param scales one per position
   */
  public Gradients backward(double[] scales, double[][] masks) {
    double[] dw = new double[w.length];
    double[] dState = new double[spec.stateFloats(streams)];
    double[] d = softmaxBackward(scales, dw);
    for (int layer = layers.size() - 1; layer >= 0; layer--) {
      double[][] dLayerState = new double[spec.cell().states()][streams * spec.hidden()];
      d = layers.get(layer).backward(w, masked(d, masks[layer + 1]), dLayerState, dw);
      for (int s = 0; s < dLayerState.length; s++) {
        int size = dLayerState[s].length;
        System.arraycopy(dLayerState[s], 0, dState, (layer * dLayerState.length + s) * size, size);
      }
    }
    if (!spec.isOneHot()) {
      embeddedBackward(masked(d, masks[0]), dw);
    }
    return new Gradients(dw, dState);
  }

  private double[] softmaxBackward(double[] scales, double[] dw) {
    int vocabulary = spec.vocabulary();
    int units = spec.hidden();
    int weights = layout.block(ModelSpec.OUTPUT_WEIGHT).offset();
    int bias = layout.block(ModelSpec.OUTPUT_BIAS).offset();
    double[] dTop = new double[top.length];
    for (int p = 0; p < labels.length; p++) {
      if (scales[p] == 0) {
        continue;
      }
      for (int v = 0; v < vocabulary; v++) {
        double target = v == labels[p] ? 1 : 0;
        double d = scales[p] * (probabilities[p * vocabulary + v] - target);
        dw[bias + v] += d;
        for (int k = 0; k < units; k++) {
          dw[weights + v * units + k] += d * top[p * units + k];
          dTop[p * units + k] += d * w[weights + v * units + k];
        }
      }
    }
    return dTop;
  }

  private void embeddedBackward(double[] dEmbedded, double[] dw) {
    int columns = spec.embedding();
    int table = layout.block(ModelSpec.EMBEDDING_WEIGHT).offset();
    for (int i = 0; i < dEmbedded.length; i++) {
      dw[table + tokens[i / columns] * columns + i % columns] += dEmbedded[i];
    }
  }

  /** Gradients by the flat parameter vector and by the state before the window. */
  public static final class Gradients {
    private final double[] parameters;
    private final double[] state;

    private Gradients(double[] parameters, double[] state) {
      this.parameters = parameters;
      this.state = state;
    }

    /** In the order of the layout; not a copy. */
    public double[] parameters() {
      return parameters;
    }

    /** {@code [layer, state, stream, unit]}; not a copy. */
    public double[] state() {
      return state;
    }
  }
}
