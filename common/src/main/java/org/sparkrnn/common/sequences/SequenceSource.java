package org.sparkrnn.common.sequences;

import java.io.IOException;

/**
 * Sequences, addressed by their number from 0. What a source does not hold, such as the tags of
 * sequences that have a label, is not asked for.
 */
public interface SequenceSource {
  /** Number of sequences. */
  long size();

  /** Steps of a sequence, at least one. */
  int length(long sequence) throws IOException;

  /**
   * Reads its first {@code count} tokens.
   *
   * @param target out: from index 0
   */
  void tokens(long sequence, int[] target, int count) throws IOException;

  /**
   * Reads the numbers of its first {@code count} steps.
   *
   * @param target out: {@code [count, columns]} from index 0
   */
  void values(long sequence, float[] target, int count) throws IOException;

  /** Its label. */
  int label(long sequence) throws IOException;

  /**
   * Reads the tags of its first {@code count} steps.
   *
   * @param target out: from index 0
   */
  void tags(long sequence, int[] target, int count) throws IOException;

  /**
   * Reads the numbers to predict.
   *
   * @param target out: from index {@code from}
   */
  void targets(long sequence, float[] target, int from) throws IOException;
}
