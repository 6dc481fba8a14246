package org.sparkrnn.worker.reference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.sparkrnn.common.config.TaskConfig.Bidirectional;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.model.ModelSpec;

/**
 * A model of sequences in double that reads one sequence alone: no batch, no padding, no masks of
 * steps. Its loss is the sum over its predictions of nats, or the mean over the outputs of their
 * squared errors.
 */
public final class ReferenceSequenceModel {
  private final ModelSpec spec;
  private final ParameterLayout layout;
  private final double[] w;
  private final List<ReferenceLayer> forwards = new ArrayList<>();
  private final List<ReferenceLayer> backwards = new ArrayList<>();
  private final int features;

  private Sequence sequence = new Sequence(new int[0], new double[0], new int[0], new double[0]);
  private double[][] masks = new double[0][];
  private int time;

  /** Both directions' outputs of the last layer, {@code [step, feature]}. */
  private double[] top = new double[0];

  /** The last layer's outputs of each direction, {@code [step, unit]}, in the sequence's order. */
  private final List<double[]> topOutputs = new ArrayList<>();

  /** What the last layer read, {@code [step, column]}. */
  private double[] topInput = new double[0];

  /** What predictions are made from, after dropout, {@code [prediction, feature]}. */
  private double[] featureRows = new double[0];

  /** Gradient of the loss by the outputs, {@code [prediction, output]}. */
  private double[] dOutputs = new double[0];

  private double[] outputs = new double[0];

  /** The model of these parameters, which may change between calls. */
  public ReferenceSequenceModel(ModelSpec spec, double[] parameters) {
    this.spec = spec;
    this.layout = spec.layout();
    this.w = parameters;
    this.features = spec.features();
    for (int layer = 0; layer < spec.layers(); layer++) {
      forwards.add(new ReferenceLayer(spec.cell(), layout, layer, 1, spec.dropout().zoneout()));
      if (spec.task().isBidirectional()) {
        backwards.add(
            new ReferenceLayer(
                spec.cell(), layout, layer + "_reverse", 1, spec.dropout().zoneout()));
      }
    }
  }

  /**
   * A sequence.
   *
   * @param tokens none where steps are numbers
   * @param values {@code [step, column]}; none where steps are tokens
   * @param classes one, or one for each step; none for numbers
   * @param targets numbers to predict
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Sequence(int[] tokens, double[] values, int[] classes, double[] targets) {}

  /**
   * Which units take their new states from now on: {@code [layer][direction][state][step, unit]}, 1
   * or 0. Without it they take the mean, as they do where a model is evaluated.
   */
  public void zoneout(double[][][][] updates) {
    for (int layer = 0; layer < updates.length; layer++) {
      forwards.get(layer).zoneout(updates[layer][0]);
      if (!backwards.isEmpty()) {
        backwards.get(layer).zoneout(updates[layer][1]);
      }
    }
  }

  /** Masks that drop nothing. */
  public static double[][] withoutDropout(ModelSpec spec) {
    return new double[spec.layers() + 1][0];
  }

  /**
   * The loss of a sequence.
   *
   * @param dropout factors by place, 0 the embedding, l the output of layer l, the last one what
   *     predictions are made from; an empty array drops nothing
   */
  public double loss(Sequence read, double[][] dropout) {
    sequence = read;
    masks = dropout;
    boolean dense = spec.task().dense();
    time = dense ? read.values().length / spec.vocabulary() : read.tokens().length;
    double[] x = dense ? read.values() : spec.isOneHot() ? new double[0] : embedded();
    for (int layer = 0; layer < spec.layers(); layer++) {
      int[] oneHot = layer == 0 && spec.isOneHot() ? read.tokens() : new int[0];
      topInput = x;
      top = layer(layer, x, oneHot);
      if (spec.isResidual(layer)) {
        add(x, top);
      }
      x = layer < spec.layers() - 1 ? masked(top, masks[layer + 1]) : top;
    }
    featureRows = masked(pooled(), masks[spec.layers()]);
    return predict();
  }

  private static void add(double[] values, double[] sums) {
    for (int i = 0; i < sums.length; i++) {
      sums[i] += values[i];
    }
  }

  private double[] embedded() {
    int columns = spec.embedding();
    int table = layout.block(ModelSpec.EMBEDDING_WEIGHT).offset();
    double[] rows = new double[time * columns];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = w[table + sequence.tokens()[i / columns] * columns + i % columns];
    }
    return masked(rows, masks[0]);
  }

  private static double[] masked(double[] values, double[] mask) {
    double[] result = values.clone();
    for (int i = 0; i < mask.length; i++) {
      result[i] *= mask[i];
    }
    return result;
  }

  private double[][] zeros(int layer) {
    double[][] states = new double[spec.cell().states()][spec.hidden(layer)];
    states[0] = new double[spec.output(layer)];
    return states;
  }

  private double[] layer(int layer, double[] x, int[] oneHot) {
    double[] joined = new double[time * spec.task().joined(spec.output(layer))];
    topOutputs.clear(); // the last layer's remain
    topOutputs.add(forwards.get(layer).forward(w, time, zeros(layer), x, oneHot));
    put(layer, topOutputs.get(0), 0, joined);
    if (!backwards.isEmpty()) {
      int[] reversedTokens = oneHot.clone();
      for (int t = 0; t < oneHot.length; t++) {
        reversedTokens[t] = oneHot[time - 1 - t];
      }
      double[] fromEnd =
          backwards.get(layer).forward(w, time, zeros(layer), reversed(x), reversedTokens);
      topOutputs.add(reversed(fromEnd));
      put(layer, topOutputs.get(1), second(layer), joined);
    }
    return joined;
  }

  private int second(int layer) {
    return spec.task().bidirectional() == Bidirectional.SUM ? 0 : spec.output(layer);
  }

  private void put(int layer, double[] output, int column, double[] joined) {
    int units = spec.output(layer);
    int columns = spec.task().joined(units);
    for (int i = 0; i < output.length; i++) {
      joined[i / units * columns + column + i % units] += output[i];
    }
  }

  /** The columns of a direction. */
  private double[] take(int layer, double[] joined, int column) {
    int units = spec.output(layer);
    int columns = spec.task().joined(units);
    double[] taken = new double[joined.length / columns * units];
    for (int i = 0; i < taken.length; i++) {
      taken[i] = joined[i / units * columns + column + i % units];
    }
    return taken;
  }

  /** The rows in reverse order. */
  private double[] reversed(double[] rows) {
    int columns = rows.length / time;
    double[] result = new double[rows.length];
    for (int t = 0; t < time; t++) {
      System.arraycopy(rows, t * columns, result, (time - 1 - t) * columns, columns);
    }
    return result;
  }

  private double[] pooled() {
    if (spec.task().task() == Task.TAGGING) {
      return top;
    }
    double[] pooled = new double[features];
    for (int direction = 0; direction < topOutputs.size(); direction++) {
      double[] output = topOutputs.get(direction);
      for (int i = 0; i < output.length; i++) {
        int feature = column(direction) + i % units();
        pooled[feature] += share(direction, i / units(), feature) * output[i];
      }
    }
    for (int i = 0; isTopResidual() && i < topInput.length; i++) {
      pooled[i % features] += shareOfInput(i) * topInput[i];
    }
    return pooled;
  }

  private boolean isTopResidual() {
    return spec.isResidual(spec.layers() - 1);
  }

  /** Of the last layer. */
  private int units() {
    return spec.outputSize();
  }

  private int column(int direction) {
    return direction == 0 ? 0 : second(spec.layers() - 1);
  }

  /** How much of a step of a direction's outputs goes into a feature. */
  private double share(int direction, int t, int feature) {
    return switch (spec.task().pooling()) {
      case LAST -> t == (direction == 0 ? time - 1 : 0) ? 1 : 0;
      case MEAN -> 1.0 / time;
      case MAX -> t == largest(feature) ? 1 : 0;
    };
  }

  /** How much of an element of what the last layer read: as of the output it is added to. */
  private double shareOfInput(int element) {
    int feature = element % features;
    return share(feature < units() ? 0 : 1, element / features, feature);
  }

  /** The first step that has the largest value of a feature. */
  private int largest(int feature) {
    int largest = 0;
    for (int t = 1; t < time; t++) {
      if (top[t * features + feature] > top[largest * features + feature]) {
        largest = t;
      }
    }
    return largest;
  }

  private double predict() {
    int size = spec.outputs();
    int weights = layout.block(ModelSpec.OUTPUT_WEIGHT).offset();
    int bias = layout.block(ModelSpec.OUTPUT_BIAS).offset();
    int predictions = featureRows.length / features;
    outputs = new double[predictions * size];
    dOutputs = new double[outputs.length];
    double loss = 0;
    for (int n = 0; n < predictions; n++) {
      for (int v = 0; v < size; v++) {
        double y = w[bias + v];
        for (int k = 0; k < features; k++) {
          y += featureRows[n * features + k] * w[weights + v * features + k];
        }
        outputs[n * size + v] = y;
      }
      loss += spec.task().task() == Task.REGRESSION ? squared(size) : crossEntropy(n, size);
    }
    return loss;
  }

  private double squared(int size) {
    double sum = 0;
    for (int v = 0; v < size; v++) {
      double error = outputs[v] - sequence.targets()[v];
      sum += error * error / size;
      dOutputs[v] = 2 * error / size;
    }
    return sum;
  }

  private double crossEntropy(int n, int size) {
    double largest = Arrays.stream(outputs, n * size, (n + 1) * size).max().orElseThrow();
    double sum = 0;
    for (int v = 0; v < size; v++) {
      sum += StrictMath.exp(outputs[n * size + v] - largest);
    }
    int right = sequence.classes()[n];
    for (int v = 0; v < size; v++) {
      double probability = StrictMath.exp(outputs[n * size + v] - largest) / sum;
      dOutputs[n * size + v] = probability - (v == right ? 1 : 0);
    }
    return StrictMath.log(sum) + largest - outputs[n * size + right];
  }

  /** Logits or numbers of the sequence that was read last, {@code [prediction, output]}. */
  public double[] outputs() {
    return outputs.clone();
  }

  /** Adds the gradient of {@code scale·loss} of the sequence that was read last. */
  public void addGradients(double scale, double[] dw) {
    double[] dFeatures = masked(outputGradient(scale, dw), masks[spec.layers()]);
    double[] d = new double[0];
    for (int layer = spec.layers() - 1; layer >= 0; layer--) {
      boolean last = layer == spec.layers() - 1;
      double[] dForwards = last ? topGradient(0, dFeatures) : take(layer, d, 0);
      double[] dx = forwards.get(layer).backward(w, dForwards, zeros(layer), dw);
      if (!backwards.isEmpty()) {
        double[] dBackwards = last ? topGradient(1, dFeatures) : take(layer, d, second(layer));
        double[] fromEnd =
            reversed(backwards.get(layer).backward(w, reversed(dBackwards), zeros(layer), dw));
        add(fromEnd, dx);
      }
      if (spec.isResidual(layer)) {
        add(last ? topInputGradient(dFeatures) : d, dx);
      }
      d = masked(dx, layer > 0 || spec.embedding() > 0 ? masks[layer] : new double[0]);
    }
    if (spec.embedding() > 0) {
      int columns = spec.embedding();
      int table = layout.block(ModelSpec.EMBEDDING_WEIGHT).offset();
      for (int i = 0; i < d.length; i++) {
        dw[table + sequence.tokens()[i / columns] * columns + i % columns] += d[i];
      }
    }
  }

  /** Gradient by the features, after adding those of the output layer. */
  private double[] outputGradient(double scale, double[] dw) {
    int size = spec.outputs();
    int weights = layout.block(ModelSpec.OUTPUT_WEIGHT).offset();
    int bias = layout.block(ModelSpec.OUTPUT_BIAS).offset();
    double[] dFeatures = new double[featureRows.length];
    for (int i = 0; i < dOutputs.length; i++) {
      int n = i / size;
      int v = i % size;
      double d = scale * dOutputs[i];
      dw[bias + v] += d;
      for (int k = 0; k < features; k++) {
        dw[weights + v * features + k] += d * featureRows[n * features + k];
        dFeatures[n * features + k] += d * w[weights + v * features + k];
      }
    }
    return dFeatures;
  }

  /** Gradient by the last layer's outputs of a direction. */
  private double[] topGradient(int direction, double[] dFeatures) {
    if (spec.task().task() == Task.TAGGING) {
      return take(spec.layers() - 1, dFeatures, column(direction));
    }
    double[] d = new double[time * units()];
    for (int i = 0; i < d.length; i++) {
      int feature = column(direction) + i % units();
      d[i] = share(direction, i / units(), feature) * dFeatures[feature];
    }
    return d;
  }

  /** Gradient by what the last layer read, as far as it was added to the layer's output. */
  private double[] topInputGradient(double[] dFeatures) {
    if (spec.task().task() == Task.TAGGING) {
      return dFeatures;
    }
    double[] d = new double[time * features];
    for (int i = 0; i < d.length; i++) {
      d[i] = shareOfInput(i) * dFeatures[i % features];
    }
    return d;
  }
}
