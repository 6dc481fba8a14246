package org.sparkrnn.worker.model;

/**
 * A random orthogonal matrix from a normal one: the Q of its QR decomposition by reflections
 * (Householder 1958), each column with the sign that makes R's diagonal positive, so that Q is
 * uniformly distributed (Saxe, McClelland and Ganguli 2014; Mezzadri 2007). In double.
 */
final class Orthogonal {
  private Orthogonal() {}

  /**
   * Q of a square matrix, row-major.
   *
   * @param a in: the matrix; out: rubbish
   */
  static double[] of(double[] a, int n) {
    double[] scales = new double[n]; // 2/‖v‖² of the reflection vectors, which lie below R in a
    double[] signs = new double[n];
    for (int column = 0; column < n; column++) {
      double squares = 0;
      for (int row = column; row < n; row++) {
        squares += a[row * n + column] * a[row * n + column];
      }
      double head = a[column * n + column];
      double norm = StrictMath.sqrt(squares);
      signs[column] = head < 0 ? 1 : -1; // of R's diagonal after the reflection
      a[column * n + column] = head < 0 ? head - norm : head + norm;
      double length = 2 * norm * (norm + Math.abs(head));
      scales[column] = length > 0 ? 2 / length : 0;
      reflect(a, column, scales[column], a, column + 1, n);
    }
    double[] q = new double[n * n];
    for (int i = 0; i < n; i++) {
      q[i * n + i] = signs[i];
    }
    for (int column = n - 1; column >= 0; column--) {
      reflect(a, column, scales[column], q, column, n);
    }
    return q;
  }

  /** Columns from one on of m, rows from {@code vector} on: m − scale·v·(vᵀm). */
  private static void reflect(double[] a, int vector, double scale, double[] m, int from, int n) {
    double[] products = new double[n];
    for (int row = vector; row < n; row++) {
      double v = a[row * n + vector];
      for (int column = from; column < n; column++) {
        products[column] += v * m[row * n + column];
      }
    }
    for (int row = vector; row < n; row++) {
      double v = scale * a[row * n + vector];
      for (int column = from; column < n; column++) {
        m[row * n + column] -= v * products[column];
      }
    }
  }
}
