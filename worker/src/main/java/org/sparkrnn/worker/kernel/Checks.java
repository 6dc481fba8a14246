package org.sparkrnn.worker.kernel;

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

  private static void shape(String name, Matrix matrix, int rows, int columns) {
    if (!matrix.hasShape(rows, columns)) {
      throw new IllegalArgumentException(
          "Cannot use %s of shape %s: expected [%d, %d]"
              .formatted(name, matrix.shape(), rows, columns));
    }
  }
}
