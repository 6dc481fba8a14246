package org.sparkrnn.worker.reference;

import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.model.WordClusters;

/** The output layer of a language model in double, one position at a time. */
final class ReferenceSoftmax {
  private static final int NONE = -1;

  private final double[] w;

  /** Of all words, or of the frequent ones and the clusters. */
  private final Linear head;

  /** Of a cluster each: to its columns, and from there to its words. */
  private final List<Linear> projections = new ArrayList<>();

  private final List<Linear> words = new ArrayList<>();
  private final List<WordClusters> clusters = new ArrayList<>();

  /** Added to the logits: minus infinity for words that are not chosen among; none without. */
  private double[] corrections = new double[0];

  ReferenceSoftmax(ModelSpec spec, double[] parameters) {
    ParameterLayout layout = spec.layout();
    this.w = parameters;
    if (!spec.softmax().isAdaptive()) {
      this.head = linear(layout, spec.outputWeight(), layout.block(ModelSpec.OUTPUT_BIAS).offset());
      return;
    }
    this.head = linear(layout, ModelSpec.HEAD_WEIGHT, layout.block(ModelSpec.HEAD_BIAS).offset());
    clusters.add(spec.clusters());
    for (int i = 0; i < spec.clusters().count(); i++) {
      projections.add(linear(layout, WordClusters.projectionWeight(i), NONE));
      words.add(linear(layout, WordClusters.wordsWeight(i), NONE));
    }
  }

  /** See {@link ReferenceModel#sample}. */
  void sample(double[] ofWords) {
    corrections = ofWords;
  }

  /**
   * A linear layer in the parameters.
   *
   * @param bias offset, or {@link #NONE}
   */
  private record Linear(int weights, int bias, int rows, int columns) {}

  private static Linear linear(ParameterLayout layout, String weights, int bias) {
    ParameterBlock block = layout.block(weights);
    return new Linear(block.offset(), bias, block.rows(), block.columns());
  }

  private int clusterOf(int label) {
    return clusters.isEmpty() ? NONE : clusters.get(0).of(label);
  }

  /** The class of the head that stands for a cluster. */
  private int classOf(int cluster) {
    return clusters.get(0).frequentWords() + cluster;
  }

  private int within(int cluster, int label) {
    return label - clusters.get(0).first(cluster);
  }

  /** The loss of a state in nats. */
  double loss(double[] state, int label) {
    int cluster = clusterOf(label);
    if (cluster == NONE) {
      return loss(head, state, label);
    }
    double[] projected = apply(projections.get(cluster), state);
    return loss(head, state, classOf(cluster))
        + loss(words.get(cluster), projected, within(cluster, label));
  }

  /**
   * The gradient of {@code scale·loss} by the state; adds that by the parameters.
   *
   * @param dw out: gradients by all parameters
   */
  double[] backward(double[] state, int label, double scale, double[] dw) {
    int cluster = clusterOf(label);
    if (cluster == NONE) {
      return lossBackward(head, state, label, scale, dw);
    }
    double[] dState = lossBackward(head, state, classOf(cluster), scale, dw);
    Linear projection = projections.get(cluster);
    double[] projected = apply(projection, state);
    double[] dProjected =
        lossBackward(words.get(cluster), projected, within(cluster, label), scale, dw);
    double[] second = applyBackward(projection, state, dProjected, dw);
    for (int k = 0; k < dState.length; k++) {
      dState[k] += second[k];
    }
    return dState;
  }

  private double[] apply(Linear linear, double[] x) {
    double[] y = new double[linear.rows];
    for (int v = 0; v < y.length; v++) {
      y[v] = linear.bias == NONE ? 0 : w[linear.bias + v];
      for (int k = 0; k < linear.columns; k++) {
        y[v] += x[k] * w[linear.weights + v * linear.columns + k];
      }
    }
    return y;
  }

  private double[] applyBackward(Linear linear, double[] x, double[] dy, double[] dw) {
    double[] dx = new double[linear.columns];
    for (int v = 0; v < dy.length; v++) {
      if (linear.bias != NONE) {
        dw[linear.bias + v] += dy[v];
      }
      for (int k = 0; k < linear.columns; k++) {
        dw[linear.weights + v * linear.columns + k] += dy[v] * x[k];
        dx[k] += dy[v] * w[linear.weights + v * linear.columns + k];
      }
    }
    return dx;
  }

  private double[] logits(Linear linear, double[] x) {
    double[] logits = apply(linear, x);
    for (int v = 0; v < corrections.length; v++) {
      logits[v] += corrections[v];
    }
    return logits;
  }

  private double loss(Linear linear, double[] x, int label) {
    double[] logits = logits(linear, x);
    return logSum(logits) - logits[label];
  }

  private double[] lossBackward(Linear linear, double[] x, int label, double scale, double[] dw) {
    double[] d = logits(linear, x);
    double logSum = logSum(d);
    for (int v = 0; v < d.length; v++) {
      d[v] = scale * (StrictMath.exp(d[v] - logSum) - (v == label ? 1 : 0));
    }
    return applyBackward(linear, x, d, dw);
  }

  private static double logSum(double[] logits) {
    double largest = Double.NEGATIVE_INFINITY;
    for (double logit : logits) {
      largest = Math.max(largest, logit);
    }
    double sum = 0;
    for (double logit : logits) {
      sum += StrictMath.exp(logit - largest);
    }
    return StrictMath.log(sum) + largest;
  }
}
