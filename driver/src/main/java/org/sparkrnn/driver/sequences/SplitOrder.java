package org.sparkrnn.driver.sequences;

import java.util.List;
import org.sparkrnn.worker.sequences.Permutation;

/**
 * Which split a sequence of the input belongs to when that is cut by per cent: at random, always
 * the same.
 */
final class SplitOrder {
  private final Permutation order;
  private final long[] ends = new long[3];

  SplitOrder(long sequences, List<Double> percent) {
    this.order = new Permutation(Math.max(1, sequences), 0, 0);
    double sum = 0;
    for (int split = 0; split < ends.length; split++) {
      sum += percent.get(split);
      ends[split] = split == 2 ? sequences : (long) Math.floor(sequences * sum / 100);
    }
  }

  int splitOf(long sequence) {
    long place = order.at(sequence);
    return place < ends[0] ? 0 : place < ends[1] ? 1 : 2;
  }
}
