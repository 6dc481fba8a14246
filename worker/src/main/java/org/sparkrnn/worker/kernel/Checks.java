package org.sparkrnn.worker.kernel;

import java.util.List;

/** Shape checks at the boundary of the kernel; behind it, shapes are trusted. */
final class Checks {
  private Checks() {}

  static void dense(String name, Matrix matrix, int rows, int columns) {
    shape(name, matrix, rows, columns);
    if (!matrix.isDense()) {
      throw new IllegalArgumentException(
          "Cannot use %s: stride %d, expected %d".formatted(name, matrix.stride(), columns));
    }
  }

  static void padded(String name, Matrix matrix, int rows, int columns) {
    shape(name, matrix, rows, columns);
    if (!matrix.isPadded()) {
      throw new IllegalArgumentException(
          "Cannot use %s: not padded to %d floats".formatted(name, Matrix.LANES));
    }
  }

  static void paddedOrAbsent(String name, Matrix matrix, int rows, int columns) {
    if (!matrix.isAbsent()) {
      padded(name, matrix, rows, columns);
    }
  }

  static void atMost(String name, int value, int limit) {
    if (value < 1 || value > limit) {
      throw new IllegalArgumentException(
          "Cannot use %d as %s: expected 1 to %d".formatted(value, name, limit));
    }
  }

  /** The first {@code count} elements are in {@code [0, limit)}. */
  static void indices(String name, int[] values, int count, int limit) {
    if (values.length < count) {
      throw new IllegalArgumentException(
          "Cannot use %s: %d elements, expected %d".formatted(name, values.length, count));
    }
    for (int i = 0; i < count; i++) {
      if (values[i] < 0 || values[i] >= limit) {
        throw new IllegalArgumentException(
            "Cannot use %s: element %d is %d, expected 0 to %d"
                .formatted(name, i, values[i], limit - 1));
      }
    }
  }

  /** Dense matrices of the same number of elements. */
  static void sameSize(Matrix first, Matrix... others) {
    for (Matrix other : others) {
      if (other.size() != first.size() || !other.isDense() || !first.isDense()) {
        throw new IllegalArgumentException(
            "Cannot combine %s and %s: expected dense, of equal size"
                .formatted(first.shape(), other.shape()));
      }
    }
  }

  /** Parameters, gradients and what a rule keeps. */
  static void update(Matrix parameters, Matrix gradients, List<Matrix> moments, UpdateRule rule) {
    sameSize(parameters, gradients);
    sameSize(parameters, moments.toArray(new Matrix[0]));
    if (moments.size() != rule.moments()) {
      throw new IllegalArgumentException(
          "Cannot update by %s with %d vectors of moments".formatted(rule, moments.size()));
    }
  }

  static void sameArena(Matrix first, Matrix... others) {
    for (Matrix other : others) {
      if (other.arena() != first.arena()) {
        throw new IllegalArgumentException("Cannot combine matrices of two arenas");
      }
    }
  }

  /** {@code rows} selects rows of a table, one for each row of {@code values}. */
  static void rows(Matrix table, int[] rows, int count, Matrix values) {
    indices("rows", rows, count, table.rows());
    if (values.columns() != table.columns() || values.rows() < count) {
      throw new IllegalArgumentException(
          "Cannot match %d rows of %s with %s".formatted(count, table.shape(), values.shape()));
    }
  }

  static void dropout(Matrix in, Matrix out, int rows, int period, float rate) {
    if (period < 1) {
      throw new IllegalArgumentException("Cannot drop with a mask of %d rows".formatted(period));
    }
    if (!(rate >= 0f && rate < 1f)) {
      throw new IllegalArgumentException("Cannot drop at rate %s: expected [0, 1)".formatted(rate));
    }
    if (rows < 0 || rows > in.rows() || rows > out.rows() || in.columns() != out.columns()) {
      throw new IllegalArgumentException(
          "Cannot drop %d rows of %s into %s".formatted(rows, in.shape(), out.shape()));
    }
    boolean dense = in.isDense() && out.isDense();
    if (!dense && !(in.isPadded() && out.isPadded())) {
      throw new IllegalArgumentException(
          "Cannot drop in matrices that are neither all padded nor all dense");
    }
  }

  static void choice(Matrix out, int time, int columns, float rate) {
    padded("out", out, out.rows(), out.columns());
    dropout(out, out, Math.multiplyExact(time, Matrix.blocks(columns)), 1, rate);
  }

  /** The first rows of {@code left}, of {@code right} unless it is absent, and of {@code out}. */
  static void difference(Matrix left, Matrix right, int rows, Matrix out) {
    sameArena(out, left, right);
    for (Matrix each : right.isAbsent() ? new Matrix[] {left} : new Matrix[] {left, right}) {
      if (rows < 0
          || rows > out.rows()
          || rows > each.rows()
          || each.columns() != out.columns()
          || !each.isPadded()) {
        throw new IllegalArgumentException(
            "Cannot add %d rows of %s to %s".formatted(rows, each.shape(), out.shape()));
      }
    }
    padded("out", out, out.rows(), out.columns());
  }

  static void scaleRows(Matrix matrix, int rows, float[] factors) {
    padded("matrix", matrix, matrix.rows(), matrix.columns());
    if (rows < 0 || rows > matrix.rows() || rows > factors.length) {
      throw new IllegalArgumentException(
          "Cannot scale %d rows of %s by %d factors"
              .formatted(rows, matrix.shape(), factors.length));
    }
    for (int row = 0; row < rows; row++) {
      if (!(factors[row] >= 0 && factors[row] < Float.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "Cannot scale row %d by %s".formatted(row, factors[row]));
      }
    }
  }

  private static void shape(String name, Matrix matrix, int rows, int columns) {
    if (!matrix.hasShape(rows, columns)) {
      throw new IllegalArgumentException(
          "Cannot use %s of shape %s: expected [%d, %d]"
              .formatted(name, matrix.shape(), rows, columns));
    }
  }
}
