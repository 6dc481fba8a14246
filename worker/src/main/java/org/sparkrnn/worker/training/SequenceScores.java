package org.sparkrnn.worker.training;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * What evaluating some neighbouring parts of a split of sequences gave. Real numbers are summed for
 * each part in the order of its sequences, integers for all. Nobody may write to the arrays.
 */
public final class SequenceScores {
  /** Sums of a part: loss, absolute error, squared and absolute error of the naive prediction. */
  static final int LOSS = 0;

  static final int ABSOLUTE = 1;
  static final int NAIVE_SQUARED = 2;
  static final int NAIVE_ABSOLUTE = 3;
  static final int SUMS = 4;

  /** Counts of a class: right predictions of it, all predictions of it, occurrences. */
  static final int HITS = 0;

  static final int PREDICTED = 1;
  static final int ACTUAL = 2;
  static final int COUNTS = 3;

  private final int firstPart;
  private final double[] sums;
  private final long[] counts;
  private final long predictions;

  /**
   * @param sums {@code [parts, SUMS]}
   * @param counts {@code [classes, COUNTS]}; empty for numbers
   */
  SequenceScores(int firstPart, double[] sums, long[] counts, long predictions) {
    this.firstPart = firstPart;
    this.sums = sums;
    this.counts = counts;
    this.predictions = predictions;
  }

  /** Of no part. */
  public static SequenceScores none() {
    return new SequenceScores(0, new double[0], new long[0], 0);
  }

  int firstPart() {
    return firstPart;
  }

  double[] sums() {
    return sums;
  }

  long[] counts() {
    return counts;
  }

  long predictions() {
    return predictions;
  }

  public void write(DataOutput out) throws IOException {
    out.writeInt(firstPart);
    out.writeInt(sums.length);
    for (double sum : sums) {
      out.writeDouble(sum);
    }
    out.writeInt(counts.length);
    for (long count : counts) {
      out.writeLong(count);
    }
    out.writeLong(predictions);
  }

  public static SequenceScores read(DataInput in) throws IOException {
    int firstPart = in.readInt();
    double[] sums = new double[in.readInt()];
    for (int i = 0; i < sums.length; i++) {
      sums[i] = in.readDouble();
    }
    long[] counts = new long[in.readInt()];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = in.readLong();
    }
    return new SequenceScores(firstPart, sums, counts, in.readLong());
  }
}
