package org.sparkrnn.common.parameters;

import java.io.Serializable;
import java.util.List;

/**
 * A named matrix or vector inside the flat parameter vector, row-major.
 *
 * @param name PyTorch's name, such as {@code rnn.weight_ih_l0}
 * @param offset index of its first element
 * @param rows rows of a matrix, length of a vector
 * @param columns columns of a matrix, 1 for a vector
 * @param dimensions 2 for a matrix, 1 for a vector
 */
public record ParameterBlock(String name, int offset, int rows, int columns, int dimensions)
    implements Serializable {
  /** Number of elements. */
  public int size() {
    return rows * columns;
  }

  /** {@code [rows, columns]} or {@code [size]}. */
  public List<Integer> shape() {
    return dimensions == 1 ? List.of(rows) : List.of(rows, columns);
  }
}
