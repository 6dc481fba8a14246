package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.Matrix.LANES;

import java.util.List;
import org.sparkrnn.common.config.KernelConfig.Precision;
import org.sparkrnn.worker.random.PhiloxKey;

/** The kernel in Java: the readable definition of what every kernel computes, bit for bit. */
public final class JavaKernel implements Kernel {
  private final Precision precision;

  /** Products in float32. */
  public JavaKernel() {
    this(Precision.FLOAT32);
  }

  public JavaKernel(Precision precision) {
    this.precision = precision;
  }

  @Override
  public String name() {
    return precision == Precision.FLOAT32
        ? "java"
        : "java-%s-emulated".formatted(Kernel.settingOf(precision));
  }

  @Override
  public Arena allocate(ArenaPlan plan) {
    return new HeapArena(plan.floats());
  }

  @Override
  public long recurrentFloats(LayerShape shape) {
    return JavaRecurrence.packedFloats(shape);
  }

  @Override
  public long softmaxFloats(int positions, int hidden, int vocabulary, boolean backward) {
    return JavaSoftmax.packedFloats(positions, hidden, vocabulary);
  }

  @Override
  public void pack(RecurrentLayer layer) {
    new JavaRecurrence(data(layer.hidden()), precision, layer).pack();
  }

  @Override
  public void packOutput(SoftmaxHead head) {
    new JavaSoftmax(data(head.hidden()), precision, head).pack();
  }

  @Override
  public void forward(RecurrentLayer layer, int time, int[] tokens) {
    layer.checkForward(time, tokens);
    new JavaRecurrence(data(layer.hidden()), precision, layer).forward(time, tokens);
  }

  @Override
  public void backward(RecurrentLayer layer, int time, int[] tokens) {
    layer.checkBackward(time, tokens);
    new JavaRecurrence(data(layer.hidden()), precision, layer).backward(time, tokens);
  }

  @Override
  public void softmaxLoss(
      SoftmaxHead head, int positions, int[] labels, float scale, boolean gradients) {
    head.checkLoss(positions, labels, gradients);
    new JavaSoftmax(data(head.hidden()), precision, head).loss(positions, labels, scale, gradients);
  }

  @Override
  public void squaredLoss(
      SoftmaxHead head, int positions, Matrix targets, float scale, boolean gradients) {
    head.checkSquaredLoss(positions, targets, gradients);
    new JavaSoftmax(data(head.hidden(), targets), precision, head)
        .squaredLoss(positions, targets, scale, gradients);
  }

  @Override
  public void logits(SoftmaxHead head, int positions, Matrix logits) {
    head.checkLogits(positions, logits);
    new JavaSoftmax(data(head.hidden(), logits), precision, head).logits(positions, logits);
  }

  @Override
  public void logitsBackward(SoftmaxHead head, int positions, Matrix dLogits) {
    head.checkLogitsBackward(positions, dLogits);
    new JavaSoftmax(data(head.hidden(), dLogits), precision, head)
        .logitsBackward(positions, dLogits);
  }

  @Override
  public void gatherRows(Matrix table, int[] rows, int count, Matrix out) {
    Checks.rows(table, rows, count, out);
    float[] data = data(table, out);
    for (int i = 0; i < count; i++) {
      System.arraycopy(data, (int) table.at(rows[i]), data, (int) out.at(i), table.columns());
    }
  }

  @Override
  public void scatterAddRows(Matrix dOut, int[] rows, int count, Matrix dTable) {
    Checks.rows(dTable, rows, count, dOut);
    float[] data = data(dTable, dOut);
    for (int i = 0; i < count; i++) {
      int in = (int) dOut.at(i);
      JavaProducts.addRows(data, (int) dTable.at(rows[i]), in, 0, 1, dTable.columns());
    }
  }

  @Override
  public void moveRows(
      Matrix from,
      int fromColumn,
      int[] rows,
      int count,
      Matrix to,
      int toColumn,
      int columns,
      boolean add) {
    SequenceRows.checkMove(from, fromColumn, rows, count, to, toColumn, columns);
    SequenceRows.move(data(from), from, fromColumn, rows, count, to, toColumn, columns, add);
  }

  @Override
  public void pool(Matrix states, int[] lengths, boolean largest, Matrix pooled) {
    SequenceRows.checkPool(states, SequenceRows.longest(lengths), lengths, pooled);
    SequenceRows.pool(data(states), states, lengths, largest, pooled);
  }

  @Override
  public void poolGradient(
      Matrix states,
      int time,
      int[] lengths,
      boolean largest,
      Matrix pooled,
      Matrix dPooled,
      Matrix dStates) {
    SequenceRows.checkPool(states, time, lengths, pooled, dPooled, dStates);
    SequenceRows.checkPool(dStates, time, lengths, dPooled);
    SequenceRows.poolGradient(
        data(states), states, time, lengths, largest, pooled, dPooled, dStates);
  }

  @Override
  public void zeroRows(Matrix table, int[] rows, int count) {
    Checks.indices("rows", rows, count, table.rows());
    for (int i = 0; i < count; i++) {
      table.rows(rows[i], 1).zero();
    }
  }

  @Override
  public void dropout(Matrix in, Matrix out, int rows, int period, float rate, PhiloxKey key) {
    Checks.dropout(in, out, rows, period, rate);
    float[] data = data(in, out);
    float factor = 1f / (1f - rate);
    KeptElements kept = new KeptElements(rate, key);
    for (int row = 0; row < rows; row++) {
      long first = (long) (row % period) * in.columns();
      for (int column = 0; column < in.columns(); column++) {
        float value = data[(int) in.at(row) + column];
        data[(int) out.at(row) + column] = kept.contains(first + column) ? value * factor : 0f;
      }
    }
  }

  @Override
  public void choose(Matrix out, int time, int columns, float rate, PhiloxKey key) {
    Checks.choice(out, time, columns, rate);
    float[] data = data(out);
    KeptElements kept = new KeptElements(rate, key);
    int batch = out.columns();
    int blocks = Matrix.blocks(columns);
    for (int p = 0; p < time * batch; p++) {
      for (int block = 0; block < blocks; block++) {
        int bits = 0;
        for (int column = block * LANES;
            column < Math.min(columns, (block + 1) * LANES);
            column++) {
          if (kept.contains((long) p * columns + column)) {
            bits |= 1 << column % LANES;
          }
        }
        data[(int) out.at(p / batch * blocks + block) + p % batch] = bits;
      }
    }
  }

  @Override
  public void addDifference(Matrix left, Matrix right, int rows, float factor, Matrix out) {
    Checks.difference(left, right, rows, out);
    float[] data = data(left, right, out);
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < out.columns(); column++) {
        float value = data[(int) left.at(row) + column];
        if (!right.isAbsent()) {
          value -= data[(int) right.at(row) + column];
        }
        int to = (int) out.at(row) + column;
        data[to] = Math.fma(factor, value, data[to]);
      }
    }
  }

  @Override
  public void scaleRows(Matrix matrix, int rows, float[] factors) {
    Checks.scaleRows(matrix, rows, factors);
    float[] data = data(matrix);
    for (int row = 0; row < rows; row++) {
      int from = (int) matrix.at(row);
      for (int i = from; i < from + matrix.columns(); i++) {
        data[i] = factors[row] == 0 ? 0f : data[i] * factors[row];
      }
    }
  }

  @Override
  public double sumOfSquares(Matrix vector) {
    Checks.sameSize(vector);
    float[] data = data(vector);
    int from = (int) vector.offset();
    double[] lanes = new double[LANES];
    for (int i = 0; i < vector.size(); i++) {
      double value = data[from + i];
      lanes[i % LANES] += value * value;
    }
    for (int distance = LANES / 2; distance > 0; distance /= 2) {
      for (int lane = 0; lane < distance; lane++) {
        lanes[lane] += lanes[lane + distance];
      }
    }
    return lanes[0];
  }

  @Override
  public double sumOfSquares(Matrix table, int[] rows, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += sumOfSquares(table.rows(rows[i], 1));
    }
    return sum;
  }

  @Override
  public void update(
      Matrix parameters,
      Matrix gradients,
      List<Matrix> moments,
      UpdateRule rule,
      GradientTransform transform) {
    Checks.update(parameters, gradients, moments, rule);
    float[] data = data(parameters, gradients);
    int[] offsets = new int[moments.size()];
    for (int i = 0; i < offsets.length; i++) {
      Checks.sameArena(parameters, moments.get(i));
      offsets[i] = (int) moments.get(i).offset();
    }
    JavaOptimizers.update(
        rule,
        data,
        (int) parameters.offset(),
        (int) gradients.offset(),
        offsets,
        (int) parameters.size(),
        transform);
  }

  @Override
  public void updateRows(
      Matrix table,
      Matrix dTable,
      int[] rows,
      int count,
      UpdateRule.Sgd rule,
      GradientTransform transform) {
    for (int i = 0; i < count; i++) {
      update(table.rows(rows[i], 1), dTable.rows(rows[i], 1), List.of(), rule, transform);
    }
  }

  private static float[] data(Matrix matrix, Matrix... others) {
    Checks.sameArena(matrix, others);
    if (matrix.arena() instanceof HeapArena heap) {
      return heap.data();
    }
    throw new IllegalArgumentException("Cannot compute in Java on an arena outside the heap");
  }
}
