package org.sparkrnn.worker.model;

import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.worker.kernel.ArenaPlan;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.SoftmaxHead;

/**
 * The regions of a language model's output layer. The parts of an adaptive softmax run one after
 * the other and share what they do not leave to each other.
 *
 * @param statistics of one softmax
 * @param scratch private to the kernel
 * @param logits of each softmax; none if nobody asks for them
 * @param clusters of an adaptive softmax; none for others
 * @param sample of a sampled softmax in training; none for others
 */
record OutputMemory(
    Region statistics,
    Region scratch,
    List<Region> logits,
    List<AdaptiveRegions> clusters,
    List<SampledRegions> sample) {

  /**
   * What an adaptive softmax needs beside.
   *
   * @param gathered states at the positions whose words are of one cluster
   * @param projected the same on each cluster's columns
   * @param noBias zeros
   * @param dNoBias a bias's gradient that nobody reads
   */
  record AdaptiveRegions(
      Region gathered,
      Region dGathered,
      List<Region> projected,
      List<Region> dProjected,
      Region noBias,
      Region dNoBias) {}

  /** Weights and biases of the words that a sampled softmax chooses among, and their gradients. */
  record SampledRegions(Region weights, Region bias, Region dWeights, Region dBias) {}

  static OutputMemory plan(
      ArenaPlan plan,
      ModelSpec spec,
      Kernel kernel,
      int positions,
      boolean training,
      boolean withLogits) {
    Region statistics = plan.region("statistics", (long) positions * SoftmaxHead.STATISTICS);
    if (spec.softmax().isAdaptive()) {
      return adaptive(plan, statistics, spec, kernel, positions, training, withLogits);
    }
    if (spec.softmax().isSampled() && training) {
      return sampled(plan, statistics, spec, kernel, positions);
    }
    Region scratch =
        plan.region(
            "head",
            kernel.softmaxFloats(positions, spec.outputSize(), spec.vocabulary(), training));
    List<Region> logits =
        withLogits ? List.of(plan.padded("logits", positions, spec.vocabulary())) : List.of();
    return new OutputMemory(statistics, scratch, logits, List.of(), List.of());
  }

  private static OutputMemory sampled(
      ArenaPlan plan, Region statistics, ModelSpec spec, Kernel kernel, int positions) {
    int words = spec.softmax().softmaxSamples();
    long weights = Math.multiplyExact((long) words, spec.outputSize());
    SampledRegions regions =
        new SampledRegions(
            plan.region("sampledWeights", weights),
            plan.region("sampledBias", words),
            plan.region("dSampledWeights", weights),
            plan.region("dSampledBias", words));
    Region scratch =
        plan.region("head", kernel.softmaxFloats(positions, spec.outputSize(), words, true));
    return new OutputMemory(statistics, scratch, List.of(), List.of(), List.of(regions));
  }

  private static OutputMemory adaptive(
      ArenaPlan plan,
      Region statistics,
      ModelSpec spec,
      Kernel kernel,
      int positions,
      boolean training,
      boolean withLogits) {
    WordClusters clusters = spec.clusters();
    int units = spec.outputSize();
    int gradients = training ? positions : 0;
    List<Region> projected = new ArrayList<>();
    List<Region> dProjected = new ArrayList<>();
    List<Region> logits = new ArrayList<>();
    if (withLogits) {
      logits.add(plan.padded("logits", positions, clusters.headClasses()));
    }
    long scratch = kernel.softmaxFloats(positions, units, clusters.headClasses(), training);
    int most = 0;
    for (int i = 0; i < clusters.count(); i++) {
      int columns = clusters.columns(i);
      int words = clusters.words(i);
      projected.add(plan.padded("projected" + i, positions, columns));
      dProjected.add(plan.padded("dProjected" + i, gradients, columns));
      if (withLogits) {
        logits.add(plan.padded("logits" + i, positions, words));
      }
      most = Math.max(most, Math.max(columns, words));
      scratch = Math.max(scratch, kernel.softmaxFloats(positions, units, columns, training));
      scratch = Math.max(scratch, kernel.softmaxFloats(positions, columns, words, training));
    }
    AdaptiveRegions regions =
        new AdaptiveRegions(
            plan.padded("gathered", positions, units),
            plan.padded("dGathered", gradients, units),
            projected,
            dProjected,
            plan.region("noBias", most),
            plan.region("dNoBias", training ? most : 0));
    return new OutputMemory(
        statistics, plan.region("head", scratch), logits, List.of(regions), List.of());
  }
}
