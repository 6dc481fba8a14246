package org.sparkrnn.worker.model;

import java.util.List;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;

/** What an optimizer sees of a model: its vectors, all in one layout, and which rows change. */
public interface TrainableModel extends AutoCloseable {
  Kernel kernel();

  ModelSpec spec();

  ModelVectors vectors();

  InputStage input();

  /** Tells the kernel that parameters have changed. */
  void pack();

  @Override
  void close();

  default ParameterLayout layout() {
    return vectors().layout();
  }

  /** All parameters as one row; {@link #pack} after a change. */
  default Matrix parameters() {
    return vectors().parameters();
  }

  /** All gradients as one row. */
  default Matrix gradients() {
    return vectors().gradients();
  }

  /** The optimizer's vectors, zero at the start. */
  default List<Matrix> moments() {
    return vectors().moments();
  }

  /** Overwrites all parameters and packs them. */
  default void setParameters(float[] values) {
    if (values.length != layout().size()) {
      throw new IllegalArgumentException(
          "Cannot use %d parameters in a model of %d".formatted(values.length, layout().size()));
    }
    parameters().write(values, 0);
    pack();
  }

  /** Whether most rows of the embedding have no gradient; see {@link #touchedRows}. */
  default boolean hasSparseEmbedding() {
    return spec().hasSparseEmbedding();
  }

  /** Whether the embedding has no gradient at all and never changes. */
  default boolean hasFrozenEmbedding() {
    return spec().frozenEmbedding();
  }

  /** The embedding table, which comes first in the parameters; absent if there is none. */
  default Matrix embedding() {
    return input().table();
  }

  /** The embedding's gradient; absent if there is none. */
  default Matrix dEmbedding() {
    return input().dTable();
  }

  /** Rows of a sparse embedding with a gradient, in the order of their first position. */
  default TouchedRows touchedRows() {
    return input().touchedRows();
  }

  /** Sets a sparse embedding's gradient back to zero. */
  default void clearTouchedRows() {
    input().clearTouchedRows();
  }
}
