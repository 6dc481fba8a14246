package org.sparkrnn.worker.kernel;

/** Matrix products in which every output is one fma chain over k, upwards (docs/numerics.md). */
final class JavaProducts {
  /** A tile of the right factor stays in the second-level cache while all rows use it. */
  private static final int TERM_TILE = 256;

  private static final int COLUMN_TILE = 512;

  private JavaProducts() {}

  /**
   * {@code out[row][j] = chain over k of left[row][k]·right[k][j]}, starting from what is there.
   * Arguments are indices into {@code data}.
   */
  static void addProduct(
      float[] data,
      int out,
      int outStride,
      int rows,
      int columns,
      int left,
      int leftRowStride,
      int leftTermStride,
      int terms,
      int right,
      int rightStride) {
    for (int k = 0; k < terms; k += TERM_TILE) {
      int tileTerms = Math.min(TERM_TILE, terms - k);
      for (int j = 0; j < columns; j += COLUMN_TILE) {
        int tileColumns = Math.min(COLUMN_TILE, columns - j);
        for (int row = 0; row < rows; row++) {
          addTerms(
              data,
              out + row * outStride + j,
              tileColumns,
              left + row * leftRowStride + k * leftTermStride,
              leftTermStride,
              tileTerms,
              right + k * rightStride + j,
              rightStride);
        }
      }
    }
  }

  /** One row of a tile; four terms at a time, so that the sums are loaded and stored less often. */
  private static void addTerms(
      float[] data,
      int out,
      int columns,
      int left,
      int leftStride,
      int terms,
      int right,
      int rightStride) {
    int k = 0;
    for (; k <= terms - 4; k += 4) {
      int l = left + k * leftStride;
      int r = right + k * rightStride;
      addFourTerms(
          data,
          out,
          columns,
          data[l],
          data[l + leftStride],
          data[l + 2 * leftStride],
          data[l + 3 * leftStride],
          r,
          r + rightStride,
          r + 2 * rightStride,
          r + 3 * rightStride);
    }
    for (; k < terms; k++) {
      float a = data[left + k * leftStride];
      int r = right + k * rightStride;
      for (int j = 0; j < columns; j++) {
        data[out + j] = Math.fma(a, data[r + j], data[out + j]);
      }
    }
  }

  private static void addFourTerms(
      float[] data,
      int out,
      int columns,
      float a0,
      float a1,
      float a2,
      float a3,
      int r0,
      int r1,
      int r2,
      int r3) {
    for (int j = 0; j < columns; j++) {
      float sum = Math.fma(a0, data[r0 + j], data[out + j]);
      sum = Math.fma(a1, data[r1 + j], sum);
      sum = Math.fma(a2, data[r2 + j], sum);
      data[out + j] = Math.fma(a3, data[r3 + j], sum);
    }
  }

  /** {@code out[j] += Σ rows of in, upwards}. */
  static void addRows(float[] data, int out, int in, int stride, int rows, int columns) {
    for (int row = 0; row < rows; row++) {
      for (int j = 0; j < columns; j++) {
        data[out + j] += data[in + row * stride + j];
      }
    }
  }

  /** {@code out[j][i] = in[i][j]}. */
  static void transpose(
      float[] data, int in, int inStride, int rows, int columns, int out, int outStride) {
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        data[out + j * outStride + i] = data[in + i * inStride + j];
      }
    }
  }
}
