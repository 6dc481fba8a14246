package org.sparkrnn.worker.model;

import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.worker.kernel.Arena;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.kernel.SoftmaxHead;
import org.sparkrnn.worker.model.LanguageModel.Masks;
import org.sparkrnn.worker.model.OutputMemory.AdaptiveRegions;

/**
 * A softmax over the frequent words and the clusters of rarer ones, and for the positions whose
 * word is of a cluster a second one within it, on a projection to fewer columns (Grave et al. 2017;
 * PyTorch's {@code AdaptiveLogSoftmaxWithLoss} with a bias in the head).
 *
 * <pre>
 *   p(word) = p(word)                      of the head, for a frequent word
 *   p(word) = p(cluster)·p(word|cluster)   softmax(W₁·(W₀·state)), for the others
 * </pre>
 *
 * <p>Clusters share their buffers and the kernel's private memory, which is why each softmax is
 * packed right before it runs: the native kernel has nothing to pack.
 */
final class AdaptiveSoftmax implements OutputLayer {
  private final Kernel kernel;
  private final WordClusters words;
  private final Matrix states;
  private final Matrix dStates;
  private final Matrix gathered;
  private final Matrix dGathered;
  private final SoftmaxHead head;
  private final Matrix headLogits;
  private final List<Cluster> clusters = new ArrayList<>();

  /** Labels as the head sees them: frequent words, or clusters behind these. */
  private final int[] headLabels;

  /** Labels of one cluster's positions, counted from its first word. */
  private final int[] clusterLabels;

  /** Positions of one cluster. */
  private final int[] rows;

  /** The place of each position among those, or −1. */
  private final int[] rowOf;

  private final float[] statistics;
  private final double[] losses;

  /** Loss of each of a cluster's positions. */
  private final double[] clusterLosses;

  /**
   * One cluster.
   *
   * @param projection states to the cluster's columns
   * @param projected what that gives
   * @param output the cluster's columns to its words
   * @param dProjected gradient by {@code projected}
   * @param logits of its words; absent if nobody asks for them
   */
  private record Cluster(
      SoftmaxHead projection,
      Matrix projected,
      SoftmaxHead output,
      Matrix dProjected,
      Matrix logits) {}

  /** What the softmaxes of all clusters have in common. */
  private record Shared(
      Arena arena,
      ParameterViews parameters,
      ParameterViews gradients,
      AdaptiveRegions regions,
      Matrix statistics,
      Region scratch) {

    SoftmaxHead withoutBias(String block, Matrix in, Matrix dIn) {
      Matrix weights = parameters.block(block);
      Matrix dWeights = gradients.block(block);
      int classes = weights.rows();
      return new SoftmaxHead(
          statistics.rows(),
          weights,
          regions.noBias().dense(arena, 0, 1, classes),
          dWeights,
          dWeights.isAbsent() ? dWeights : regions.dNoBias().dense(arena, 0, 1, classes),
          in,
          dIn,
          statistics,
          scratch);
    }
  }

  AdaptiveSoftmax(
      ModelSpec spec,
      Kernel kernel,
      Arena arena,
      OutputMemory memory,
      ParameterViews parameters,
      ParameterViews gradients,
      Matrix states,
      Matrix dStates,
      int positions) {
    this.kernel = kernel;
    this.words = spec.clusters();
    this.states = states;
    this.dStates = dStates;
    AdaptiveRegions regions = memory.clusters().get(0);
    boolean training = regions.dGathered().floats() > 0;
    boolean withLogits = !memory.logits().isEmpty();
    Matrix none = Matrix.absent(arena);
    int units = spec.outputSize();
    this.gathered = regions.gathered().padded(arena, positions, units);
    this.dGathered = training ? regions.dGathered().padded(arena, positions, units) : none;
    Matrix of = memory.statistics().dense(arena, 0, positions, SoftmaxHead.STATISTICS);
    this.head =
        new SoftmaxHead(
            positions,
            parameters.block(ModelSpec.HEAD_WEIGHT),
            parameters.block(ModelSpec.HEAD_BIAS),
            gradients.block(ModelSpec.HEAD_WEIGHT),
            gradients.block(ModelSpec.HEAD_BIAS),
            states,
            dStates,
            of,
            memory.scratch());
    this.headLogits =
        withLogits ? memory.logits().get(0).padded(arena, positions, words.headClasses()) : none;
    Shared shared = new Shared(arena, parameters, gradients, regions, of, memory.scratch());
    for (int i = 0; i < words.count(); i++) {
      int columns = words.columns(i);
      Matrix projected = regions.projected().get(i).padded(arena, positions, columns);
      Matrix dProjected =
          training ? regions.dProjected().get(i).padded(arena, positions, columns) : none;
      clusters.add(
          new Cluster(
              shared.withoutBias(WordClusters.projectionWeight(i), gathered, dGathered),
              projected,
              shared.withoutBias(WordClusters.wordsWeight(i), projected, dProjected),
              dProjected,
              withLogits
                  ? memory.logits().get(1 + i).padded(arena, positions, words.words(i))
                  : none));
    }
    this.headLabels = new int[positions];
    this.clusterLabels = new int[positions];
    this.rows = new int[positions];
    this.rowOf = new int[positions];
    this.statistics = new float[positions * SoftmaxHead.STATISTICS];
    this.losses = new double[positions];
    this.clusterLosses = new double[positions];
  }

  @Override
  public void pack() {
    // Each softmax is packed before it runs.
  }

  @Override
  public void evaluate(int positions, int[] labels) {
    computeLosses(positions, labels, 1f, false);
  }

  @Override
  public void train(int positions, int[] labels, float scale, Masks masks) {
    computeLosses(positions, labels, scale, true);
  }

  private void computeLosses(int positions, int[] labels, float scale, boolean gradients) {
    for (int p = 0; p < positions; p++) {
      int cluster = words.of(labels[p]);
      headLabels[p] = cluster < 0 ? labels[p] : words.frequentWords() + cluster;
    }
    kernel.packOutput(head);
    kernel.softmaxLoss(head, positions, headLabels, scale, gradients);
    head.losses(positions, statistics, losses);
    for (int i = 0; i < clusters.size(); i++) {
      int count = select(i, positions, labels);
      if (count > 0) {
        addCluster(clusters.get(i), positions, count, scale, gradients);
      } else if (gradients) {
        clusters.get(i).projection().dWeights().zero();
        clusters.get(i).output().dWeights().zero();
      }
    }
  }

  /** Finds the positions whose words are of a cluster; returns their number. */
  private int select(int cluster, int positions, int[] labels) {
    int count = 0;
    for (int p = 0; p < positions; p++) {
      boolean selected = headLabels[p] == words.frequentWords() + cluster;
      rowOf[p] = selected ? count : -1;
      if (selected) {
        rows[count] = p;
        clusterLabels[count++] = labels[p] - words.first(cluster);
      }
    }
    return count;
  }

  private void addCluster(
      Cluster cluster, int positions, int count, float scale, boolean gradients) {
    project(cluster, count);
    kernel.packOutput(cluster.output());
    kernel.softmaxLoss(cluster.output(), count, clusterLabels, scale, gradients);
    cluster.output().losses(count, statistics, clusterLosses);
    for (int i = 0; i < count; i++) {
      losses[rows[i]] += clusterLosses[i];
    }
    if (gradients) {
      kernel.packOutput(cluster.projection());
      kernel.logitsBackward(cluster.projection(), count, cluster.dProjected());
      kernel.moveRows(dGathered, 0, rowOf, positions, dStates, 0, words.units(), true);
    }
  }

  private void project(Cluster cluster, int count) {
    kernel.moveRows(states, 0, rows, count, gathered, 0, words.units(), false);
    kernel.packOutput(cluster.projection());
    kernel.logits(cluster.projection(), count, cluster.projected());
  }

  @Override
  public void losses(int positions, double[] target) {
    System.arraycopy(losses, 0, target, 0, positions);
  }

  @Override
  public double lossSum(int positions) {
    double sum = 0;
    for (int p = 0; p < positions; p++) {
      sum += losses[p];
    }
    return sum;
  }

  @Override
  public void logits(float[] target) {
    kernel.packOutput(head);
    kernel.logits(head, 1, headLogits);
    double[] ofHead = logProbabilities(headLogits);
    for (int v = 0; v < words.frequentWords(); v++) {
      target[v] = (float) ofHead[v];
    }
    rows[0] = 0;
    for (int i = 0; i < clusters.size(); i++) {
      Cluster cluster = clusters.get(i);
      project(cluster, 1);
      kernel.packOutput(cluster.output());
      kernel.logits(cluster.output(), 1, cluster.logits());
      double[] within = logProbabilities(cluster.logits());
      for (int v = 0; v < within.length; v++) {
        target[words.first(i) + v] = (float) (ofHead[words.frequentWords() + i] + within[v]);
      }
    }
  }

  /** Of the first row, in double. */
  private static double[] logProbabilities(Matrix logits) {
    float[] values = logits.rows(0, 1).toArray();
    double largest = Double.NEGATIVE_INFINITY;
    for (float value : values) {
      largest = Math.max(largest, value);
    }
    double sum = 0;
    for (float value : values) {
      sum += StrictMath.exp(value - largest);
    }
    double logSum = StrictMath.log(sum) + largest;
    double[] logarithms = new double[values.length];
    for (int v = 0; v < values.length; v++) {
      logarithms[v] = values[v] - logSum;
    }
    return logarithms;
  }
}
