package org.sparkrnn.worker.model;

import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.kernel.Arena;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.kernel.RecurrentParameters;

/**
 * The blocks of a vector with the parameters' layout: the parameters themselves or their gradients.
 *
 * @param vector one row; absent if there are no gradients, and so are its blocks then
 */
public record ParameterViews(Arena arena, ParameterLayout layout, Matrix vector) {

  /** A matrix, or a vector as one row. */
  public Matrix block(String name) {
    if (vector.isAbsent()) {
      return vector;
    }
    ParameterBlock block = layout.block(name);
    boolean matrix = block.dimensions() == 2;
    int rows = matrix ? block.rows() : 1;
    int columns = matrix ? block.columns() : block.size();
    return new Matrix(arena, vector.offset() + block.offset(), rows, columns, columns);
  }

  /**
   * The blocks of one layer and direction.
   *
   * @param layer what their names end with: its index, and {@code _reverse} for the second
   *     direction
   */
  public RecurrentParameters recurrent(String layer) {
    return new RecurrentParameters(
        block("rnn.weight_ih_l" + layer),
        block("rnn.weight_hh_l" + layer),
        block("rnn.bias_ih_l" + layer),
        block("rnn.bias_hh_l" + layer),
        blockOrAbsent("rnn.weight_ph_l" + layer),
        blockOrAbsent("rnn.weight_hr_l" + layer),
        blockOrAbsent("rnn.gain_ih_l" + layer),
        blockOrAbsent("rnn.gain_hh_l" + layer),
        blockOrAbsent("rnn.gain_c_l" + layer),
        blockOrAbsent("rnn.bias_c_l" + layer));
  }

  private Matrix blockOrAbsent(String name) {
    return layout.contains(name) ? block(name) : Matrix.absent(arena);
  }
}
