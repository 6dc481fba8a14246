package org.sparkrnn.worker.reference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.sparkrnn.common.config.LossConfig.Reduction;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.model.ActivationPenalties;
import org.sparkrnn.worker.model.ModelSpec;

/**
 * A language model in double: embedding or one-hot → dropout → recurrent layers, each plus its
 * input where it is residual, dropout after each → softmax (full, adaptive or sampled) and
 * cross-entropy; forward and backward over one window.
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
  private final ReferenceSoftmax softmax;
  private final List<ReferenceLayer> layers = new ArrayList<>();

  /** Hidden states of the last layer, {@code [position, unit]}. */
  private double[] topHidden = new double[0];

  /** Output of the layer stack after dropout, {@code [position, unit]}. */
  private double[] top = new double[0];

  private double[] losses = new double[0];
  private int[] tokens = new int[0];
  private int[] labels = new int[0];

  public ReferenceModel(ModelSpec spec, int streams, double[] parameters) {
    this.spec = spec;
    this.layout = spec.layout();
    this.streams = streams;
    this.w = parameters;
    this.softmax = new ReferenceSoftmax(spec, parameters);
    for (int layer = 0; layer < spec.layers(); layer++) {
      layers.add(new ReferenceLayer(spec.cell(), layout, layer, streams, spec.dropout().zoneout()));
    }
  }

  /**
   * Which units take their new states from now on: {@code [layer][state][position, unit]}, 1 or 0.
   * Without it they take the mean, as they do where a model is evaluated.
   */
  public void zoneout(double[][][] updates) {
    for (int layer = 0; layer < updates.length; layer++) {
      layers.get(layer).zoneout(updates[layer]);
    }
  }

  /**
   * What is added to the logit of each word from now on, minus infinity where a sampled softmax
   * does not choose among it. Without it the softmax is the full one, as it is in evaluations.
   */
  public void sample(double[] corrections) {
    softmax.sample(corrections.clone());
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
      topHidden = output.clone();
      if (spec.isResidual(layer)) {
        add(activations, output);
      }
      activations = masked(output, masks[layer + 1]);
    }
    top = activations;
    losses = new double[time * streams];
    for (int p = 0; p < losses.length; p++) {
      losses[p] = softmax.loss(state(p), labels[p]);
    }
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

  private static void add(double[] values, double[] sums) {
    for (int i = 0; i < sums.length; i++) {
      sums[i] += values[i];
    }
  }

  private static double[] masked(double[] values, double[] mask) {
    double[] result = values.clone();
    for (int i = 0; i < mask.length; i++) {
      result[i] *= mask[i];
    }
    return result;
  }

  private double[][] layerState(double[] state, int layer) {
    double[][] parts = zeroState(layer);
    int at = stateOffset(layer);
    for (double[] part : parts) {
      System.arraycopy(state, at, part, 0, part.length);
      at += part.length;
    }
    return parts;
  }

  private double[][] zeroState(int layer) {
    double[][] parts = new double[spec.cell().states()][streams * spec.hidden(layer)];
    parts[0] = new double[streams * spec.output(layer)];
    return parts;
  }

  private int stateOffset(int layer) {
    int columns = 0;
    for (int below = 0; below < layer; below++) {
      columns += spec.output(below) + (spec.cell().states() - 1) * spec.hidden(below);
    }
    return streams * columns;
  }

  /** What the output layer sees at a position. */
  private double[] state(int position) {
    int units = spec.outputSize();
    return Arrays.copyOfRange(top, position * units, (position + 1) * units);
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

  /**
   * After {@link #backward}: gradient by a layer's cell state after each step, {@code [position,
   * unit]}, by way of later steps alone; empty if there is none. Not a copy.
   */
  public double[] dCell(int layer) {
    return layers.get(layer).dCell();
  }

  /** Gradients of {@code scale·Σ losses} of the window that ran last, by parameters and state. */
  public Gradients backward(double scale, double[][] masks) {
    return backward(scale, ActivationPenalties.NONE, masks);
  }

  /** Gradients of {@code scale·Σ losses} and of {@link #penalty}. */
  public Gradients backward(double scale, ActivationPenalties penalties, double[][] masks) {
    double[] scales = new double[labels.length];
    Arrays.fill(scales, scale);
    return backward(scales, scale, penalties, masks);
  }

  /**
   * Gradients of {@code Σ scales[p]·losses[p]} of the window that ran last.
   *
   * @param scales one per position
   */
  public Gradients backward(double[] scales, double[][] masks) {
    return backward(scales, 0, ActivationPenalties.NONE, masks);
  }

  private Gradients backward(
      double[] scales, double penaltyScale, ActivationPenalties penalties, double[][] masks) {
    double[] dw = new double[w.length];
    double[] dState = new double[spec.stateFloats(streams)];
    double[] d = softmaxBackward(scales, dw);
    for (int i = 0; i < d.length; i++) {
      d[i] += penalties.activation() * penaltyScale / spec.outputSize() * 2 * top[i];
    }
    for (int layer = layers.size() - 1; layer >= 0; layer--) {
      double[][] dLayerState = zeroState(layer);
      double[] dOutput = masked(d, masks[layer + 1]);
      double[] dHidden = dOutput.clone();
      if (layer == layers.size() - 1) {
        temporalBackward(penaltyScale * penalties.temporal(), dHidden);
      }
      d = layers.get(layer).backward(w, dHidden, dLayerState, dw);
      if (spec.isResidual(layer)) {
        add(dOutput, d);
      }
      int at = stateOffset(layer);
      for (double[] part : dLayerState) {
        System.arraycopy(part, 0, dState, at, part.length);
        at += part.length;
      }
    }
    if (!spec.isOneHot()) {
      embeddedBackward(masked(d, masks[0]), dw);
    }
    return new Gradients(dw, dState);
  }

  /** What the penalties add to {@code scale·Σ losses} of the window that ran last. */
  public double penalty(double scale, ActivationPenalties penalties) {
    double squares = 0;
    for (double value : top) {
      squares += value * value;
    }
    double moves = 0;
    int step = streams * spec.outputSize();
    for (int i = step; i < topHidden.length; i++) {
      double move = topHidden[i] - topHidden[i - step];
      moves += move * move;
    }
    double activation = penalties.activation() * squares / top.length;
    double temporal =
        topHidden.length == step ? 0 : penalties.temporal() * moves / (topHidden.length - step);
    return scale * labels.length * (activation + temporal);
  }

  private void temporalBackward(double factor, double[] dHidden) {
    int step = streams * spec.outputSize();
    for (int i = step; i < topHidden.length; i++) {
      double d =
          factor
              * labels.length
              * 2
              * (topHidden[i] - topHidden[i - step])
              / (topHidden.length - step);
      dHidden[i] += d;
      dHidden[i - step] -= d;
    }
  }

  private double[] softmaxBackward(double[] scales, double[] dw) {
    int units = spec.outputSize();
    double[] dTop = new double[top.length];
    for (int p = 0; p < labels.length; p++) {
      if (scales[p] != 0) {
        double[] dState = softmax.backward(state(p), labels[p], scales[p], dw);
        System.arraycopy(dState, 0, dTop, p * units, units);
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
