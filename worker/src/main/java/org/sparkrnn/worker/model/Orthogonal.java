package org.sparkrnn.worker.model;

/**
 * A random matrix with orthonormal columns from a normal one: the Q of its QR decomposition by
 * reflections (Householder 1958), each column with the sign that makes R's diagonal positive, so
 * that Q is uniformly distributed (Saxe, McClelland and Ganguli 2014; Mezzadri 2007). In double.
 */
final class Orthogonal {
  private Orthogonal() {}

  /**
   * Q of a matrix that has no more columns than rows, row-major; of the same shape.
   *
   * @param a in: the matrix; out: rubbish
   */
  static double[] of(double[] a, int rows, int columns) {
    double[] scales = new double[columns]; // 2/‖v‖² of the reflection vectors, which lie below R
    double[] signs = new double[columns];
    for (int column = 0; column < columns; column++) {
      double squares = 0;
      for (int row = column; row < rows; row++) {
        squares += a[row * columns + column] * a[row * columns + column];
      }
      double head = a[column * columns + column];
      double norm = StrictMath.sqrt(squares);
      signs[column] = head < 0 ? 1 : -1; // of R's diagonal after the reflection
      a[column * columns + column] = head < 0 ? head - norm : head + norm;
      double length = 2 * norm * (norm + Math.abs(head));
      scales[column] = length > 0 ? 2 / length : 0;
      reflect(a, column, scales[column], a, column + 1, rows, columns);
    }
    double[] q = new double[rows * columns];
    for (int i = 0; i < columns; i++) {
      q[i * columns + i] = signs[i];
    }
    for (int column = columns - 1; column >= 0; column--) {
      reflect(a, column, scales[column], q, column, rows, columns);
    }
    return q;
  }

  /** Columns from one on of m, rows from {@code vector} on: m − scale·v·(vᵀm). */
  private static void reflect(
      double[] a, int vector, double scale, double[] m, int from, int rows, int columns) {
    double[] products = new double[columns];
    for (int row = vector; row < rows; row++) {
      double v = a[row * columns + vector];
      for (int column = from; column < columns; column++) {
        products[column] += v * m[row * columns + column];
      }
    }
    for (int row = vector; row < rows; row++) {
      double v = scale * a[row * columns + vector];
      for (int column = from; column < columns; column++) {
        m[row * columns + column] -= v * products[column];
      }
    }
  }
}
