package org.sparkrnn.driver.averaging;

import java.util.Comparator;
import java.util.List;
import org.sparkrnn.common.config.RoundConfig.Delta;
import org.sparkrnn.driver.averaging.RoundCut.Part;

/**
 * The weighted average of the replicas' pieces of one slice, summed in double in the order of the
 * replicas, whatever order the pieces arrived in, and rounded once: Σ nᵣ·wᵣ / Σ nᵣ of values, s + Σ
 * nᵣ·dᵣ / Σ nᵣ of differences from the start s.
 *
 * <p>The average of one replica's values is that replica: n·w is off by at most half a unit of
 * double, which the rounding to float removes. For the same reason the average of equal values is
 * that value, but of −0, which the sum turns into +0.
 */
final class WeightedAverage {
  private WeightedAverage() {}

  /**
   * Averages.
   *
   * @param start of the round; read where a piece refers to it
   */
  static float[] of(List<SlicePiece> pieces, Part part, float[] start) {
    List<SlicePiece> ordered =
        pieces.stream().sorted(Comparator.comparingInt(SlicePiece::replica)).toList();
    if (ordered.isEmpty()) {
      throw new IllegalArgumentException("Cannot average a slice that no replica sent");
    }
    double[] sums = new double[part.length()];
    double totalWeight = 0; // exact: weights are whole and their sum is far below 2⁵³
    for (SlicePiece piece : ordered) {
      totalWeight += piece.weight();
      piece.values().addTo(sums, (double) piece.weight(), part, start);
    }
    boolean ofValues = ordered.get(0).values().delta() == Delta.FLOAT32;
    float[] average = new float[part.length()];
    for (int i = 0; i < average.length; i++) {
      double mean = sums[i] / totalWeight;
      average[i] = (float) (ofValues ? mean : start[part.from() + i] + mean);
    }
    return average;
  }
}
