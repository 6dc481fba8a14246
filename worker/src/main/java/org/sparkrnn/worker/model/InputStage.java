package org.sparkrnn.worker.model;

import org.sparkrnn.worker.kernel.Arena;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.model.LanguageModel.Masks;

/**
 * What enters the first recurrent layer: rows of the embedding, or nothing where the layer selects
 * columns of its weights by the tokens themselves (one-hot).
 */
final class InputStage {
  private final Kernel kernel;
  private final DropoutMasks dropout;
  private final boolean dropsRows;
  private final Matrix table;
  private final Matrix dTable;
  private final Matrix embedded;
  private final Matrix dEmbedded;
  private final TouchedRows touchedRows;

  /** Factors of the rows of the window that ran last. */
  private final float[] rowFactors;

  InputStage(
      ModelSpec spec,
      Kernel kernel,
      Arena arena,
      ModelMemory memory,
      ParameterViews parameters,
      ParameterViews gradients,
      DropoutMasks dropout,
      int positions) {
    Matrix none = Matrix.absent(arena);
    boolean oneHot = spec.isOneHot();
    this.kernel = kernel;
    this.dropout = dropout;
    this.dropsRows = memory.training() && spec.dropout().dropsRows();
    this.table = oneHot ? none : parameters.block(ModelSpec.EMBEDDING_WEIGHT);
    this.dTable =
        oneHot || spec.frozenEmbedding() ? none : gradients.block(ModelSpec.EMBEDDING_WEIGHT);
    this.embedded = oneHot ? none : memory.embedded().padded(arena, positions, spec.embedding());
    this.dEmbedded =
        dTable.isAbsent() ? none : memory.dEmbedded().padded(arena, positions, spec.embedding());
    boolean sparse = memory.training() && spec.hasSparseEmbedding();
    this.touchedRows = new TouchedRows(sparse ? spec.vocabulary() : 0, positions);
    this.rowFactors = new float[dropsRows ? positions : 0];
  }

  Matrix table() {
    return table;
  }

  Matrix dTable() {
    return dTable;
  }

  /** {@code [positions, embedding]}; absent for one-hot input. */
  Matrix output() {
    return embedded;
  }

  Matrix dOutput() {
    return dEmbedded;
  }

  /** Rows of the table with a gradient, if it is sparse; else none. */
  TouchedRows touchedRows() {
    return touchedRows;
  }

  void forward(int positions, int[] tokens) {
    if (!table.isAbsent()) {
      kernel.gatherRows(table, tokens, positions, embedded);
    }
  }

  void forwardWithDropout(int time, int positions, int[] tokens, Masks masks) {
    forward(positions, tokens);
    if (dropsRows) {
      dropout.rowFactors(positions, tokens, masks, rowFactors);
      kernel.scaleRows(embedded, positions, rowFactors);
    }
    dropout.apply(embedded, embedded, time, masks, 0);
  }

  /** Adds to the table's gradient, which is zero but for what a tied output has left there. */
  void backward(int time, int positions, int[] tokens, Masks masks) {
    if (dTable.isAbsent()) {
      return;
    }
    dropout.apply(dEmbedded, dEmbedded, time, masks, 0);
    if (dropsRows) {
      kernel.scaleRows(dEmbedded, positions, rowFactors);
    }
    if (touchedRows.isKept()) {
      touchedRows.collect(tokens, positions);
    }
    kernel.scatterAddRows(dEmbedded, tokens, positions, dTable);
  }

  /** Sets the table's gradient back to zero, unless the next window overwrites it anyway. */
  void clearTouchedRows() {
    if (touchedRows.isKept()) {
      kernel.zeroRows(dTable, touchedRows.rows(), touchedRows.count());
    }
  }
}
