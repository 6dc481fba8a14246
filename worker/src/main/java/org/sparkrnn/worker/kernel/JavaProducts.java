package org.sparkrnn.worker.kernel;

import java.util.Arrays;
import org.sparkrnn.common.config.KernelConfig.Precision;

/**
 * Matrix products in which every output is one chain over k, upwards, of fma, of pairs or of chunks
 * of {@link Bfloat16} (docs/numerics.md).
 *
 * <p>Operands are copied, a tile at a time, into arrays of their own: the compiler vectorises a
 * loop over several arrays from index 0, but not one over several places of the same array, which
 * might overlap. That is worth a factor of eight. The tile of the right factor stays in the
 * first-level cache while all rows use it.
 */
final class JavaProducts {
  private static final int TERM_TILE = Bfloat16.CHUNK; // which is even: a pair lies in one tile
  private static final int COLUMN_TILE = 256;

  private final float[] data;
  private final Precision precision;
  private final float[][] rightRows = new float[TERM_TILE][COLUMN_TILE];
  private final float[] sums = new float[COLUMN_TILE];
  private final float[] factors = new float[TERM_TILE];
  private final float[] evenSums = new float[COLUMN_TILE];
  private final float[] oddSums = new float[COLUMN_TILE];

  JavaProducts(float[] data, Precision precision) {
    this.data = data;
    this.precision = precision;
  }

  /**
   * Where the elements of a factor or of a product are: element e of a row is in piece {@code e /
   * pieceLength}.
   *
   * @param base index of the first element
   * @param stride from one element of a piece to the next
   */
  record Operand(int base, int rowStride, int stride, int pieceLength, int pieceStride) {

    /** The rows of a matrix, from one of them on. */
    static Operand rowsOf(Matrix matrix, int row) {
      return rows((int) matrix.at(row), matrix.stride());
    }

    static Operand rows(int base, int rowStride) {
      return new Operand(base, rowStride, 1, Integer.MAX_VALUE, 0);
    }

    /** The columns of a row-major matrix as rows. */
    static Operand columns(int base, int rowStride) {
      return new Operand(base, 1, rowStride, Integer.MAX_VALUE, 0);
    }
  }

  /**
   * {@code out[row][j] = chain over k of left[row][k]·right[k][j]}, from what is there.
   *
   * @param right index of the first element of a row-major matrix {@code [terms, columns]}
   */
  void addProduct(
      Operand out, int rows, int columns, Operand left, int terms, int right, int rightStride) {
    for (int j = 0; j < columns; j += COLUMN_TILE) {
      int tileColumns = Math.min(COLUMN_TILE, columns - j);
      for (int k = 0; k < terms; k += TERM_TILE) {
        int tileTerms = Math.min(TERM_TILE, terms - k);
        for (int i = 0; i < tileTerms; i++) {
          int row = right + (k + i) * rightStride + j;
          System.arraycopy(data, row, rightRows[i], 0, tileColumns);
          round(rightRows[i], tileColumns);
        }
        for (int i = tileTerms; i < filled(tileTerms); i++) {
          Arrays.fill(rightRows[i], 0f);
        }
        for (int row = 0; row < rows; row++) {
          gather(left, row, k, tileTerms, factors);
          round(factors, tileTerms);
          Arrays.fill(factors, tileTerms, filled(tileTerms), 0f);
          gather(out, row, j, tileColumns, sums);
          switch (precision) {
            case FLOAT32 -> addTerms(tileTerms, tileColumns);
            case BF16 -> addPairs(tileTerms, tileColumns);
            case BF16_AMX -> addChunk(tileColumns);
          }
          scatter(out, row, j, tileColumns);
        }
      }
    }
  }

  /** Terms with those that stand beside the last ones: zeros in both factors. */
  private int filled(int terms) {
    return switch (precision) {
      case FLOAT32 -> terms;
      case BF16 -> terms + terms % 2;
      case BF16_AMX -> TERM_TILE;
    };
  }

  private void round(float[] operand, int count) {
    if (precision != Precision.FLOAT32) {
      for (int i = 0; i < count; i++) {
        operand[i] = Bfloat16.round(operand[i]);
      }
    }
  }

  private void addPairs(int terms, int columns) {
    for (int k = 0; k < terms; k += 2) {
      float even = factors[k];
      float odd = factors[k + 1];
      float[] evens = rightRows[k];
      float[] odds = rightRows[k + 1];
      for (int j = 0; j < columns; j++) {
        sums[j] = Bfloat16.dot(even, evens[j], odd, odds[j], sums[j]);
      }
    }
  }

  private void addChunk(int columns) {
    Arrays.fill(evenSums, 0, columns, 0f);
    Arrays.fill(oddSums, 0, columns, 0f);
    for (int k = 0; k < TERM_TILE; k += 2) {
      addLinks(evenSums, factors[k], rightRows[k], columns);
      addLinks(oddSums, factors[k + 1], rightRows[k + 1], columns);
    }
    for (int j = 0; j < columns; j++) {
      sums[j] = Bfloat16.addChunk(evenSums[j], oddSums[j], sums[j]);
    }
  }

  private static void addLinks(float[] chains, float a, float[] b, int columns) {
    for (int j = 0; j < columns; j++) {
      chains[j] = Bfloat16.link(a, b[j], chains[j]);
    }
  }

  private void addTerms(int terms, int columns) {
    int k = 0;
    for (; k <= terms - 4; k += 4) {
      addFourTerms(
          sums,
          columns,
          factors[k],
          rightRows[k],
          factors[k + 1],
          rightRows[k + 1],
          factors[k + 2],
          rightRows[k + 2],
          factors[k + 3],
          rightRows[k + 3]);
    }
    for (; k < terms; k++) {
      addTerm(sums, columns, factors[k], rightRows[k]);
    }
  }

  private static void addFourTerms(
      float[] sums,
      int columns,
      float a0,
      float[] b0,
      float a1,
      float[] b1,
      float a2,
      float[] b2,
      float a3,
      float[] b3) {
    for (int j = 0; j < columns; j++) {
      float sum = Math.fma(a0, b0[j], sums[j]);
      sum = Math.fma(a1, b1[j], sum);
      sum = Math.fma(a2, b2[j], sum);
      sums[j] = Math.fma(a3, b3[j], sum);
    }
  }

  private static void addTerm(float[] sums, int columns, float a, float[] b) {
    for (int j = 0; j < columns; j++) {
      sums[j] = Math.fma(a, b[j], sums[j]);
    }
  }

  private void gather(Operand operand, int row, int from, int count, float[] target) {
    int done = 0;
    while (done < count) {
      int inPiece = (from + done) % operand.pieceLength;
      int length = Math.min(operand.pieceLength - inPiece, count - done);
      int at = index(operand, row, from + done);
      if (operand.stride == 1) {
        System.arraycopy(data, at, target, done, length);
      } else {
        for (int e = 0; e < length; e++) {
          target[done + e] = data[at + e * operand.stride];
        }
      }
      done += length;
    }
  }

  private void scatter(Operand out, int row, int from, int count) {
    int done = 0;
    while (done < count) {
      int inPiece = (from + done) % out.pieceLength;
      int length = Math.min(out.pieceLength - inPiece, count - done);
      System.arraycopy(sums, done, data, index(out, row, from + done), length);
      done += length;
    }
  }

  private static int index(Operand operand, int row, int element) {
    int piece = element / operand.pieceLength;
    int inPiece = element % operand.pieceLength;
    return operand.base
        + row * operand.rowStride
        + piece * operand.pieceStride
        + inPiece * operand.stride;
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
