package org.sparkrnn.driver.averaging;

import java.util.Comparator;
import java.util.List;

/**
 * The weighted average of the replicas' pieces of one slice: Σ nᵣ·wᵣ / Σ nᵣ, summed in double in
 * the order of the replicas, whatever order the pieces arrived in, and rounded once.
 *
 * <p>The average of one replica is that replica: n·w is off by at most half a unit of double, which
 * the rounding to float removes.
 */
final class WeightedAverage {
  private WeightedAverage() {}

  static float[] of(List<SlicePiece> pieces) {
    List<SlicePiece> ordered =
        pieces.stream().sorted(Comparator.comparingInt(SlicePiece::replica)).toList();
    if (ordered.isEmpty()) {
      throw new IllegalArgumentException("Cannot average a slice that no replica sent");
    }
    double[] sums = new double[ordered.get(0).values().length];
    double totalWeight = 0; // exact: weights are whole and their sum is far below 2⁵³
    for (SlicePiece piece : ordered) {
      float[] values = piece.values();
      double weight = piece.weight();
      totalWeight += weight;
      for (int i = 0; i < sums.length; i++) {
        sums[i] += weight * values[i];
      }
    }
    float[] average = new float[sums.length];
    for (int i = 0; i < average.length; i++) {
      average[i] = (float) (sums[i] / totalWeight);
    }
    return average;
  }
}
