package org.sparkrnn.worker.model;

import java.io.Serializable;
import java.util.List;

/**
 * The parts of a vocabulary under an adaptive softmax (Grave et al. 2017): the frequent words,
 * which stand in the head, and clusters of rarer ones, each of which is one more class of the head.
 *
 * @param cutoffs first word of each cluster, ascending
 * @param divisor how many times fewer columns each cluster has than the one before
 * @param units columns of the head: units of the last layer
 */
public record WordClusters(List<Integer> cutoffs, int divisor, int units, int vocabulary)
    implements Serializable {
  public WordClusters {
    cutoffs = List.copyOf(cutoffs);
    if (cutoffs.isEmpty() || cutoffs.get(cutoffs.size() - 1) >= vocabulary) {
      throw new IllegalArgumentException(
          "Cannot cut a vocabulary of %d words at %s".formatted(vocabulary, cutoffs));
    }
  }

  public int count() {
    return cutoffs.size();
  }

  /** Words that the head predicts itself. */
  public int frequentWords() {
    return cutoffs.get(0);
  }

  /** Classes of the head: the frequent words, then the clusters. */
  public int headClasses() {
    return frequentWords() + count();
  }

  /** First word of a cluster. */
  public int first(int cluster) {
    return cutoffs.get(cluster);
  }

  /** Words of a cluster. */
  public int words(int cluster) {
    return (cluster + 1 < count() ? first(cluster + 1) : vocabulary) - first(cluster);
  }

  /** Columns of a cluster's weights: units / divisor^(cluster + 1), at least 1. */
  public int columns(int cluster) {
    int columns = units;
    for (int i = 0; i <= cluster; i++) {
      columns /= divisor;
    }
    return Math.max(1, columns);
  }

  /** The cluster of a word; −1 for a frequent one. */
  public int of(int word) {
    int cluster = count() - 1;
    while (cluster >= 0 && word < first(cluster)) {
      cluster--;
    }
    return cluster;
  }

  /** Block of the weights that take a state to a cluster's columns, {@code [columns, units]}. */
  public static String projectionWeight(int cluster) {
    return "output.tail.%d.0.weight".formatted(cluster);
  }

  /** Block of the weights of a cluster's words, {@code [words, columns]}. */
  public static String wordsWeight(int cluster) {
    return "output.tail.%d.1.weight".formatted(cluster);
  }
}
