package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.Matrix.LANES;

import java.util.Arrays;
import org.sparkrnn.common.config.KernelConfig.Precision;
import org.sparkrnn.worker.kernel.JavaProducts.Operand;

/**
 * Output layer, softmax and cross-entropy, a tile of rows at a time. Packed: the transposed weights
 * {@code [hidden, paddedVocabulary]} and the logits of one tile.
 */
final class JavaSoftmax {
  private static final int TILE = 32; // even: a pair of positions lies in one tile

  private final float[] data;
  private final SoftmaxHead head;
  private final JavaProducts products;
  private final int vocabulary;
  private final int units;
  private final int stride;
  private final int transposed;
  private final int tile;

  JavaSoftmax(float[] data, Precision precision, SoftmaxHead head) {
    this.data = data;
    this.head = head;
    this.products = new JavaProducts(data, precision);
    this.vocabulary = head.vocabulary();
    this.units = head.hiddenUnits();
    this.stride = Matrix.padded(vocabulary);
    this.transposed = (int) head.packed().offset();
    this.tile = transposed + units * stride;
  }

  static long packedFloats(int positions, int hidden, int vocabulary) {
    return ((long) hidden + Math.min(TILE, positions)) * Matrix.padded(vocabulary);
  }

  void pack() {
    int weights = (int) head.weights().offset();
    JavaProducts.transpose(data, weights, units, vocabulary, units, transposed, stride);
  }

  /** Turns the logits of the position in a row of the tile into their gradients. */
  private interface Loss {
    void differentiate(int row, int position);
  }

  void loss(int positions, int[] labels, float scale, boolean gradients) {
    compute(
        positions, gradients, (row, position) -> normalise(row, position, labels[position], scale));
  }

  void squaredLoss(int positions, Matrix targets, float scale, boolean gradients) {
    compute(
        positions,
        gradients,
        (row, position) -> subtract(row, position, (int) targets.at(position), scale));
  }

  private void compute(int positions, boolean gradients, Loss loss) {
    if (gradients) {
      zeroGradients(positions);
    }
    for (int from = 0; from < positions; from += TILE) {
      int rows = Math.min(TILE, positions - from);
      computeLogits(from, rows);
      for (int row = 0; row < rows; row++) {
        loss.differentiate(tile + row * stride, from + row);
      }
      if (gradients) {
        addGradients(from, rows);
      }
    }
  }

  private void zeroGradients(int positions) {
    head.dHidden().rows(0, positions).zero();
    head.dWeights().zero();
    head.dBias().zero();
  }

  void logitsBackward(int positions, Matrix dLogits) {
    zeroGradients(positions);
    for (int from = 0; from < positions; from += TILE) {
      int rows = Math.min(TILE, positions - from);
      for (int row = 0; row < rows; row++) {
        int source = (int) dLogits.at(from + row);
        System.arraycopy(data, source, data, tile + row * stride, vocabulary);
      }
      addGradients(from, rows);
    }
  }

  void logits(int positions, Matrix out) {
    for (int from = 0; from < positions; from += TILE) {
      int rows = Math.min(TILE, positions - from);
      computeLogits(from, rows);
      for (int row = 0; row < rows; row++) {
        int target = (int) out.at(from + row);
        System.arraycopy(data, tile + row * stride, data, target, vocabulary);
      }
    }
  }

  private void computeLogits(int from, int rows) {
    for (int row = 0; row < rows; row++) {
      int bias = (int) head.bias().offset();
      System.arraycopy(data, bias, data, tile + row * stride, vocabulary);
    }
    products.addProduct(
        Operand.rows(tile, stride),
        rows,
        vocabulary,
        Operand.rowsOf(head.hidden(), from),
        units,
        transposed,
        stride);
  }

  /** Writes a position's statistics and turns its logits into their gradient. */
  private void normalise(int row, int position, int label, float scale) {
    float largest = largest(row);
    float labelLogit = data[row + label];
    for (int v = 0; v < vocabulary; v++) {
      data[row + v] = PolynomialMath.exp(data[row + v] - largest);
    }
    float sum = sum(row);
    int statistics = (int) head.statistics().at(position);
    data[statistics] = largest;
    data[statistics + 1] = sum;
    data[statistics + 2] = labelLogit;
    float factor = scale / sum;
    for (int v = 0; v < vocabulary; v++) {
      data[row + v] *= factor;
    }
    data[row + label] -= scale;
  }

  /** Writes a position's sum of squares and turns its outputs into their gradient. */
  private void subtract(int row, int position, int targets, float scale) {
    for (int v = 0; v < vocabulary; v++) {
      data[row + v] -= data[targets + v];
    }
    float[] lanes = new float[LANES];
    for (int v = 0; v < vocabulary; v++) {
      lanes[v % LANES] += data[row + v] * data[row + v];
      data[row + v] *= scale;
    }
    int statistics = (int) head.statistics().at(position);
    data[statistics] = sum(lanes);
    data[statistics + 1] = 0f;
    data[statistics + 2] = 0f;
  }

  private float largest(int row) {
    float[] lanes = new float[LANES];
    Arrays.fill(lanes, Float.NEGATIVE_INFINITY);
    for (int v = 0; v < vocabulary; v++) {
      float x = data[row + v];
      lanes[v % LANES] = x > lanes[v % LANES] ? x : lanes[v % LANES];
    }
    for (int distance = LANES / 2; distance > 0; distance /= 2) {
      for (int lane = 0; lane < distance; lane++) {
        float other = lanes[lane + distance];
        lanes[lane] = other > lanes[lane] ? other : lanes[lane];
      }
    }
    return lanes[0];
  }

  private float sum(int row) {
    float[] lanes = new float[LANES];
    for (int v = 0; v < vocabulary; v++) {
      lanes[v % LANES] += data[row + v];
    }
    return sum(lanes);
  }

  private static float sum(float[] lanes) {
    for (int distance = LANES / 2; distance > 0; distance /= 2) {
      for (int lane = 0; lane < distance; lane++) {
        lanes[lane] += lanes[lane + distance];
      }
    }
    return lanes[0];
  }

  private void addGradients(int from, int rows) {
    products.addProduct(
        Operand.rowsOf(head.dHidden(), from),
        rows,
        units,
        Operand.rows(tile, stride),
        vocabulary,
        (int) head.weights().offset(),
        units);
    products.addProduct(
        Operand.rowsOf(head.dWeights(), 0),
        vocabulary,
        units,
        Operand.columns(tile, stride),
        rows,
        (int) head.hidden().at(from),
        head.hidden().stride());
    JavaProducts.addRows(data, (int) head.dBias().offset(), tile, stride, rows, vocabulary);
  }
}
