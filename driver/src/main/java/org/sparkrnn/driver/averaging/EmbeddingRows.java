package org.sparkrnn.driver.averaging;

import java.io.Serializable;
import org.sparkrnn.worker.model.ModelSpec;

/**
 * The rows of a vector that a replica may leave untouched: those of the embedding, which come first
 * in every layout. Seen from a slice they are fragments, since a slice may cut its first and last.
 *
 * @param rows 0 if a vector has none
 */
public record EmbeddingRows(int rows, int columns) implements Serializable {
  static final EmbeddingRows NONE = new EmbeddingRows(0, 1);

  /** Those of a model's parameters. */
  public static EmbeddingRows of(ModelSpec spec) {
    return spec.embedding() == 0 ? NONE : new EmbeddingRows(spec.vocabulary(), spec.embedding());
  }

  /** Fragments of rows in elements {@code from} to {@code to} of the vector. */
  int fragments(int from, int to) {
    int end = end(to);
    return from >= end ? 0 : (end - 1) / columns - from / columns + 1;
  }

  /** First element behind a fragment, or with {@code fragment} = −1 the first of all, less from. */
  int fragmentEnd(int fragment, int from, int to) {
    int row = from / columns + fragment;
    return fragment < 0 ? 0 : (int) Math.min(end(to), (row + 1L) * columns) - from;
  }

  private int end(int to) {
    return (int) Math.min(to, (long) rows * columns);
  }
}
