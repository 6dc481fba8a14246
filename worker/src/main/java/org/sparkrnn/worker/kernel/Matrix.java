package org.sparkrnn.worker.kernel;

/**
 * A window on an arena: element (row, column) is float {@code offset + row·stride + column}.
 *
 * <p>Activations and their gradients are padded: {@code stride} is {@code columns} rounded up to a
 * multiple of {@value #LANES}, the offset is such a multiple, and the floats between {@code
 * columns} and {@code stride} are always +0; a kernel may read them and leaves them +0. Parameters,
 * their gradients and moments are dense: {@code stride == columns}, any offset.
 *
 * @param offset index of the first float
 * @param stride floats from one row to the next
 */
public record Matrix(Arena arena, long offset, int rows, int columns, int stride) {
  /** Floats of one padded unit: a 512-bit register, a cache line. */
  public static final int LANES = 16;

  public Matrix {
    if (offset < 0 || rows < 0 || columns < 0 || stride < columns) {
      throw new IllegalArgumentException(
          "Cannot view [%d, %d] at %d with stride %d".formatted(rows, columns, offset, stride));
    }
    if (end(offset, rows, columns, stride) > arena.floats()) {
      throw new IllegalArgumentException(
          "Cannot view [%d, %d] at %d with stride %d in an arena of %d floats"
              .formatted(rows, columns, offset, stride, arena.floats()));
    }
  }

  /** What stands for a matrix that a layer does not have: no rows, no columns. */
  public static Matrix absent(Arena arena) {
    return new Matrix(arena, 0, 0, 0, 0);
  }

  public static int padded(int columns) {
    return Math.addExact(columns, LANES - 1) & -LANES;
  }

  /** Blocks of {@value #LANES} columns, the last one perhaps not full. */
  static int blocks(int columns) {
    return padded(columns) / LANES;
  }

  static long padded(long floats) {
    return Math.addExact(floats, LANES - 1L) & -LANES;
  }

  public boolean isAbsent() {
    return rows == 0;
  }

  public boolean isDense() {
    return stride == columns;
  }

  public boolean isPadded() {
    return offset % LANES == 0 && stride == padded(columns);
  }

  /** Elements, without padding. */
  public long size() {
    return (long) rows * columns;
  }

  /** Index of a row's first float. */
  public long at(int row) {
    return offset + (long) row * stride;
  }

  /** Index after the last float, padding of the last row left out. */
  public long end() {
    return end(offset, rows, columns, stride);
  }

  private static long end(long offset, int rows, int columns, int stride) {
    return rows == 0 ? offset : offset + (rows - 1L) * stride + columns;
  }

  /** A window on {@code count} rows. */
  public Matrix rows(int from, int count) {
    if (from < 0 || count < 0 || from > rows - count) {
      throw new IllegalArgumentException(
          "Cannot view rows %d to %d of %d".formatted(from, from + count, rows));
    }
    return new Matrix(arena, at(from), count, columns, stride);
  }

  /** A window on {@code count} elements of a dense matrix, as one row. */
  public Matrix range(long from, int count) {
    if (!isDense() || from < 0 || count < 0 || from > size() - count) {
      throw new IllegalArgumentException(
          "Cannot view elements %d to %d of [%d, %d]".formatted(from, from + count, rows, columns));
    }
    return new Matrix(arena, offset + from, 1, count, count);
  }

  /** Copies all elements, row by row, without padding. */
  public void read(float[] target, int from) {
    if (isDense()) {
      arena.read(offset, target, from, Math.toIntExact(size()));
      return;
    }
    for (int row = 0; row < rows; row++) {
      arena.read(at(row), target, from + row * columns, columns);
    }
  }

  /** Fills all elements, row by row; padding is left alone. */
  public void write(float[] source, int from) {
    if (isDense()) {
      arena.write(offset, source, from, Math.toIntExact(size()));
      return;
    }
    for (int row = 0; row < rows; row++) {
      arena.write(at(row), source, from + row * columns, columns);
    }
  }

  /** A copy of all elements, row by row, without padding. */
  public float[] toArray() {
    float[] copy = new float[Math.toIntExact(size())];
    read(copy, 0);
    return copy;
  }

  /** Sets all elements to +0. */
  public void zero() {
    if (isDense()) {
      arena.fill(offset, size(), 0f);
      return;
    }
    for (int row = 0; row < rows; row++) {
      arena.fill(at(row), columns, 0f);
    }
  }

  boolean hasShape(int expectedRows, int expectedColumns) {
    return rows == expectedRows && columns == expectedColumns;
  }

  String shape() {
    return "[" + rows + ", " + columns + "]";
  }
}
