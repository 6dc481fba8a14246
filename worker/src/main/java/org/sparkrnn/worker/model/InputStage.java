package org.sparkrnn.worker.model;

import org.sparkrnn.worker.kernel.Arena;
import org.sparkrnn.worker.kernel.ArenaPlan;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.model.LanguageModel.Masks;

/**
 * What enters the first recurrent layer: rows of the embedding, numbers that the caller writes, or
 * nothing where the layer selects columns of its weights by the tokens themselves (one-hot).
 */
public final class InputStage {
  private final Kernel kernel;
  private final DropoutMasks dropout;
  private final boolean dropsRows;
  private final Matrix table;
  private final Matrix dTable;
  private final Matrix rows;
  private final Matrix dRows;
  private final TouchedRows touchedRows;

  /** Factors of the rows of the window that ran last. */
  private final float[] rowFactors;

  /** The regions of the rows and of their gradients, in an arena that is still to be allocated. */
  public record Plan(boolean training, int positions, Region rows, Region dRows) {}

  /** For windows of so many positions at most. */
  public static Plan plan(ArenaPlan arena, ModelSpec spec, int positions, boolean training) {
    int columns = spec.inputSize(0);
    boolean learns = training && spec.embedding() > 0 && !spec.frozenEmbedding();
    return new Plan(
        training,
        positions,
        arena.padded("input", spec.isOneHot() ? 0 : positions, columns),
        arena.padded("dInput", learns ? positions : 0, columns));
  }

  public InputStage(
      ModelSpec spec, Kernel kernel, Plan plan, ModelVectors vectors, DropoutMasks dropout) {
    Arena arena = vectors.parameters().arena();
    Matrix none = Matrix.absent(arena);
    int columns = spec.inputSize(0);
    boolean embedded = spec.embedding() > 0;
    boolean learns = embedded && !spec.frozenEmbedding();
    this.kernel = kernel;
    this.dropout = dropout;
    this.dropsRows = plan.training() && spec.dropout().dropsRows();
    this.table = embedded ? vectors.weights().block(ModelSpec.EMBEDDING_WEIGHT) : none;
    this.dTable = learns ? vectors.dWeights().block(ModelSpec.EMBEDDING_WEIGHT) : none;
    this.rows = spec.isOneHot() ? none : plan.rows().padded(arena, plan.positions(), columns);
    this.dRows = dTable.isAbsent() ? none : plan.dRows().padded(arena, plan.positions(), columns);
    boolean sparse = plan.training() && spec.hasSparseEmbedding();
    this.touchedRows = new TouchedRows(sparse ? spec.vocabulary() : 0, plan.positions());
    this.rowFactors = new float[dropsRows ? plan.positions() : 0];
  }

  Matrix table() {
    return table;
  }

  Matrix dTable() {
    return dTable;
  }

  /** {@code [positions, columns]}; absent for one-hot input. */
  public Matrix output() {
    return rows;
  }

  /** The gradient by {@link #output}; absent unless the embedding learns. */
  public Matrix dOutput() {
    return dRows;
  }

  /** Rows of the table with a gradient, if it is sparse; else none. */
  TouchedRows touchedRows() {
    return touchedRows;
  }

  /** Looks the rows of a window up, where there is a table. */
  public void forward(int positions, int[] tokens) {
    if (!table.isAbsent()) {
      kernel.gatherRows(table, tokens, positions, rows);
    }
  }

  /** The same in training. */
  public void forwardWithDropout(int time, int positions, int[] tokens, Masks masks) {
    forward(positions, tokens);
    if (dropsRows) {
      dropout.rowFactors(positions, tokens, masks, rowFactors);
      kernel.scaleRows(rows, positions, rowFactors);
    }
    dropout.apply(rows, rows, time, masks, 0);
  }

  /** Adds to the table's gradient, which is zero but for what a tied output has left there. */
  public void backward(int time, int positions, int[] tokens, Masks masks) {
    if (dTable.isAbsent()) {
      return;
    }
    dropout.apply(dRows, dRows, time, masks, 0);
    if (dropsRows) {
      kernel.scaleRows(dRows, positions, rowFactors);
    }
    if (touchedRows.isKept()) {
      touchedRows.collect(tokens, positions);
    }
    kernel.scatterAddRows(dRows, tokens, positions, dTable);
  }

  /** Sets the table's gradient back to zero, unless the next window overwrites it anyway. */
  void clearTouchedRows() {
    if (touchedRows.isKept()) {
      kernel.zeroRows(dTable, touchedRows.rows(), touchedRows.count());
    }
  }
}
