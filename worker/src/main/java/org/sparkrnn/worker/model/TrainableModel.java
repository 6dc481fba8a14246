package org.sparkrnn.worker.model;

import java.util.List;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;

/** What an optimizer sees of a model: its vectors, all in one layout. */
public interface TrainableModel extends AutoCloseable {
  Kernel kernel();

  ParameterLayout layout();

  /** All parameters as one row; {@link #pack} after a change. */
  Matrix parameters();

  /** Overwrites all parameters and packs them. */
  void setParameters(float[] values);

  /** Tells the kernel that parameters have changed. */
  void pack();

  /** All gradients as one row. */
  Matrix gradients();

  /** The optimizer's vectors, zero at the start. */
  List<Matrix> moments();

  /** Whether most rows of the embedding have no gradient; see {@link #touchedRows}. */
  boolean hasSparseEmbedding();

  /** Whether the embedding has no gradient at all and never changes. */
  boolean hasFrozenEmbedding();

  /** The embedding table; absent if there is none. */
  Matrix embedding();

  /** The embedding's gradient; absent if there is none. */
  Matrix dEmbedding();

  /** Rows of the embedding with a gradient, in the order of their first position. */
  TouchedRows touchedRows();

  /** Sets the embedding's gradient back to zero. */
  void clearTouchedRows();

  @Override
  void close();
}
