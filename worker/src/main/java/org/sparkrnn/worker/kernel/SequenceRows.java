package org.sparkrnn.worker.kernel;

/** Rows of sequences, moved and pooled: the arguments' checks, and the computation in Java. */
final class SequenceRows {
  private SequenceRows() {}

  static void checkMove(
      Matrix from, int fromColumn, int[] rows, int count, Matrix to, int toColumn, int columns) {
    Checks.sameArena(from, to);
    if (rows.length < count || count < 0 || to.rows() < count) {
      throw new IllegalArgumentException(
          "Cannot move %d rows of %d into %s".formatted(count, rows.length, to.shape()));
    }
    for (int i = 0; i < count; i++) {
      if (rows[i] < -1 || rows[i] >= from.rows()) {
        throw new IllegalArgumentException(
            "Cannot move row %d of %s".formatted(rows[i], from.shape()));
      }
    }
    if (columns < 0
        || fromColumn < 0
        || fromColumn > from.columns() - columns
        || toColumn < 0
        || toColumn > to.columns() - columns) {
      throw new IllegalArgumentException(
          "Cannot move %d columns at %d of %s to %d of %s"
              .formatted(columns, fromColumn, from.shape(), toColumn, to.shape()));
    }
  }

  static void checkPool(Matrix states, int time, int[] lengths, Matrix pooled, Matrix... others) {
    Checks.sameArena(states, pooled);
    Checks.sameArena(states, others);
    int streams = pooled.rows();
    Checks.padded("pooled", pooled, streams, states.columns());
    Checks.padded("states", states, states.rows(), states.columns());
    if (lengths.length != streams || (long) time * streams > states.rows()) {
      throw new IllegalArgumentException(
          "Cannot pool %d steps of %d streams of %s"
              .formatted(time, lengths.length, states.shape()));
    }
    for (int length : lengths) {
      if (length < 0 || length > time) {
        throw new IllegalArgumentException(
            "Cannot pool %d steps: there are %d".formatted(length, time));
      }
    }
  }

  static int longest(int[] lengths) {
    return java.util.Arrays.stream(lengths).max().orElse(0);
  }

  static void move(
      float[] data,
      Matrix from,
      int fromColumn,
      int[] rows,
      int count,
      Matrix to,
      int toColumn,
      int columns,
      boolean add) {
    for (int i = 0; i < count; i++) {
      int target = (int) to.at(i) + toColumn;
      for (int j = 0; j < columns; j++) {
        if (rows[i] < 0) {
          data[target + j] = add ? data[target + j] : 0f;
        } else {
          float moved = data[(int) from.at(rows[i]) + fromColumn + j];
          data[target + j] = add ? data[target + j] + moved : moved;
        }
      }
    }
  }

  static void pool(float[] data, Matrix states, int[] lengths, boolean largest, Matrix pooled) {
    pooled.zero();
    int streams = lengths.length;
    for (int b = 0; b < streams; b++) {
      for (int j = 0; j < pooled.columns(); j++) {
        float m = 0f;
        for (int t = 0; t < lengths[b]; t++) {
          float h = data[(int) states.at(t * streams + b) + j];
          m = !largest ? m + h : t == 0 || h > m ? h : m;
        }
        data[(int) pooled.at(b) + j] = largest || lengths[b] == 0 ? m : m / lengths[b];
      }
    }
  }

  static void poolGradient(
      float[] data,
      Matrix states,
      int time,
      int[] lengths,
      boolean largest,
      Matrix pooled,
      Matrix dPooled,
      Matrix dStates) {
    int streams = lengths.length;
    for (int b = 0; b < streams; b++) {
      for (int j = 0; j < pooled.columns(); j++) {
        int left = (int) dPooled.at(b) + j;
        float m = data[(int) pooled.at(b) + j];
        for (int t = 0; t < time; t++) {
          int d = (int) dStates.at(t * streams + b) + j;
          boolean takes =
              t < lengths[b] && (!largest || data[(int) states.at(t * streams + b) + j] == m);
          data[d] = !takes ? 0f : largest ? data[left] : data[left] / lengths[b];
          if (largest && takes) {
            data[left] = 0f;
          }
        }
      }
    }
  }
}
