package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.Matrix.LANES;

import java.util.Arrays;
import org.sparkrnn.common.config.KernelConfig.Precision;
import org.sparkrnn.worker.kernel.CellKind.Slot;
import org.sparkrnn.worker.kernel.JavaProducts.Operand;

/**
 * A window of one recurrent layer: the products, generic in the cell, around {@link JavaCell}.
 *
 * <p>Packed, for the input and for the hidden state, with K the floats of the slots that see it:
 * weights in blocked order {@code [K, width]} for backward, their transpose {@code [width, K]} for
 * forward; and the biases {@code [slots·paddedHidden]} from which forward starts.
 */
final class JavaRecurrence {
  private final float[] data;
  private final RecurrentLayer layer;
  private final JavaProducts products;
  private final JavaCell cell;
  private final JavaZoneout zoneout;
  private final JavaProjection projection;
  private final JavaLayerNorm norm;
  private final int units;
  private final int batch;
  private final int gateColumns;
  private final JavaSource input;
  private final JavaSource recurrent;
  private final JavaSource gated;
  private final int bias;

  /** {@code [time·batch, hidden]}, and the gradient by one step's. */
  private final int gatedStates;

  private final int dGated;

  JavaRecurrence(float[] data, Precision precision, RecurrentLayer layer) {
    this.data = data;
    this.layer = layer;
    this.products = new JavaProducts(data, precision);
    this.cell = layer.cell().java();
    this.zoneout = new JavaZoneout(data, layer);
    this.units = layer.hiddenUnits();
    this.batch = layer.batch();
    this.gateColumns = layer.shape().gateColumns();
    boolean backward = layer.shape().backward();
    int packed = (int) layer.packed().offset();
    this.input =
        new JavaSource(
            layer.cell(),
            Slot::seesInput,
            units,
            layer.input(),
            packed,
            backward && !layer.shape().oneHot());
    this.recurrent =
        new JavaSource(
            layer.cell(), Slot::seesHidden, units, layer.outputUnits(), input.end(), backward);
    this.gated =
        new JavaSource(layer.cell(), Slot::seesGated, units, units, recurrent.end(), backward);
    this.bias = gated.end();
    this.gatedStates = bias + gateColumns;
    this.dGated = gatedStates + layer.shape().positions() * units;
    int end = layer.cell().hasGatedState() ? dGated + batch * units : gatedStates;
    this.projection = new JavaProjection(data, layer, products, end);
    long projected = JavaProjection.packedFloats(layer.shape());
    this.norm = new JavaLayerNorm(data, layer, end + (int) projected);
  }

  static long packedFloats(LayerShape shape) {
    CellKind cell = shape.cell();
    int hidden = shape.hidden();
    boolean backward = shape.backward();
    return JavaSource.packedFloats(
            cell, Slot::seesInput, hidden, shape.input(), backward && !shape.oneHot())
        + JavaSource.packedFloats(cell, Slot::seesHidden, hidden, shape.output(), backward)
        + JavaSource.packedFloats(cell, Slot::seesGated, hidden, hidden, backward)
        + shape.gateColumns()
        + (cell.hasGatedState() ? (long) shape.states() * hidden : 0)
        + JavaProjection.packedFloats(shape)
        + JavaLayerNorm.packedFloats(shape);
  }

  void pack() {
    RecurrentParameters parameters = layer.parameters();
    packWeights(input, parameters.inputWeights());
    packWeights(recurrent, parameters.recurrentWeights());
    packWeights(gated, parameters.recurrentWeights());
    projection.pack();
    int inputBias = (int) parameters.inputBias().offset();
    int recurrentBias = (int) parameters.recurrentBias().offset();
    Arrays.fill(data, bias, bias + gateColumns, 0f);
    for (int s = 0; s < layer.cell().slots().size(); s++) {
      Slot slot = layer.cell().slots().get(s);
      for (int u = 0; u < units; u++) {
        int row = slot.gate() * units + u;
        float start = slot.seesInput() ? data[inputBias + row] : data[recurrentBias + row];
        boolean both = slot.seesInput() && slot.isRecurrent();
        data[bias + layer.cell().gateColumn(s, u)] =
            both ? start + data[recurrentBias + row] : start;
      }
    }
  }

  private void packWeights(JavaSource source, Matrix weights) {
    int width = source.width;
    Arrays.fill(data, source.forward, source.end(), 0f);
    for (int k = 0; k < source.terms; k++) {
      int unit = source.unit(k);
      if (unit < units) {
        int row = (int) weights.at(source.slot(k).gate() * units + unit);
        if (source.hasBackward) {
          System.arraycopy(data, row, data, source.backward + k * width, width);
        }
        JavaProducts.transpose(data, row, width, 1, width, source.forward + k, source.terms);
      }
    }
  }

  void forward(int time, int[] tokens) {
    if (norm.isActive()) {
      norm.zeroSums(time * batch);
    }
    for (int p = 0; p < time * batch; p++) {
      if (!norm.isActive()) {
        System.arraycopy(data, bias, data, (int) layer.gates().at(p), gateColumns);
      }
      if (layer.shape().oneHot()) {
        addInputColumn(sums(input, p), tokens[p]);
      }
    }
    if (!layer.shape().oneHot()) {
      addForwardProduct(input, 0, time * batch, Operand.rowsOf(layer.x(), 0));
    }
    for (int t = 0; t < time; t++) {
      Operand previous = Operand.rowsOf(layer.hidden(), t * batch);
      addForwardProduct(recurrent, t * batch, batch, previous);
      for (int p = t * batch; norm.isActive() && p < (t + 1) * batch; p++) {
        norm.forward(p);
      }
      if (cell instanceof JavaCell.Gating gating) {
        gate(gating, t);
      }
      for (int p = t * batch; p < (t + 1) * batch; p++) {
        cell.forward(
            data,
            units,
            (int) layer.gates().at(p),
            (int) layer.hidden().at(p),
            projection.computed(p),
            (int) layer.cellState().at(p),
            zoneout.newCell(p),
            (int) layer.parameters().peepholes().offset());
        if (norm.normalisesCell()) {
          norm.cellForward(p, zoneout.newCell(p), projection.computed(p));
        }
        zoneout.cellForward(p);
        zeroPadding((int) layer.gates().at(p));
      }
      if (layer.shape().isProjected()) {
        projection.forward(t);
      }
      for (int p = t * batch; p < (t + 1) * batch; p++) {
        zoneout.hiddenForward(p);
      }
    }
  }

  void backward(int time, int[] tokens) {
    Matrix dHidden = layer.dHidden();
    layer.gradients().peepholes().zero();
    norm.zeroGradients();
    for (int t = time - 1; t >= 0; t--) {
      boolean last = t == time - 1;
      for (int b = 0; b < batch; b++) {
        int from = (int) layer.dHiddenSequence().at(t * batch + b);
        startHiddenGradient((int) dHidden.at(b), from, last || zoneout.hasDirectPath());
      }
      if (!last) {
        addBackwardProduct(recurrent, (t + 1) * batch, batch, Operand.rowsOf(dHidden, 0));
      }
      for (int p = t * batch; p < (t + 1) * batch; p++) {
        zoneout.hiddenBeforeBackward(p);
      }
      if (layer.shape().isProjected()) {
        projection.backward(t);
      }
      for (int b = 0; b < batch; b++) {
        int p = t * batch + b;
        zoneout.cellBeforeBackward(p);
        if (norm.normalisesCell()) {
          norm.cellBackward(
              p, zoneout.newCell(p), projection.dComputed(p), (int) layer.dCell().at(b));
        }
        cell.backward(
            data,
            units,
            (int) layer.gates().at(p),
            (int) layer.hidden().at(p),
            projection.dComputed(p),
            (int) layer.cellState().at(p),
            (int) layer.dCell().at(b),
            (int) layer.parameters().peepholes().offset(),
            (int) layer.gradients().peepholes().offset(),
            norm.normalisesCell());
        zoneout.hiddenAfterBackward(p);
        zoneout.cellAfterBackward(p);
      }
      if (cell instanceof JavaCell.Gating gating) {
        gateBackward(gating, t);
      }
      for (int p = t * batch; norm.isActive() && p < (t + 1) * batch; p++) {
        norm.backward(p);
      }
    }
    if (!zoneout.hasDirectPath()) {
      dHidden.zero();
    }
    addBackwardProduct(recurrent, 0, batch, Operand.rowsOf(dHidden, 0));
    int positions = time * batch;
    if (!layer.dx().isAbsent()) {
      Matrix dx = layer.dx().rows(0, positions);
      dx.zero();
      addBackwardProduct(input, 0, positions, Operand.rowsOf(dx, 0));
    }
    parameterGradients(positions, tokens);
  }

  private void startHiddenGradient(int dHidden, int dSequence, boolean add) {
    for (int u = 0; u < layer.outputUnits(); u++) {
      float fromAbove = data[dSequence + u];
      data[dHidden + u] = add ? fromAbove + data[dHidden + u] : fromAbove;
    }
  }

  private void parameterGradients(int positions, int[] tokens) {
    RecurrentParameters gradients = layer.gradients();
    gradients.inputWeights().zero();
    gradients.recurrentWeights().zero();
    if (layer.shape().oneHot()) {
      scatterInputGradient(positions, tokens);
    } else {
      Matrix x = layer.x();
      addWeightGradient(input, gradients.inputWeights(), (int) x.offset(), x.stride(), positions);
    }
    Matrix hidden = layer.hidden();
    Matrix dRecurrent = gradients.recurrentWeights();
    addWeightGradient(recurrent, dRecurrent, (int) hidden.offset(), hidden.stride(), positions);
    addWeightGradient(gated, dRecurrent, gatedStates, units, positions);
    if (!norm.isActive()) {
      gradients.inputBias().zero();
      gradients.recurrentBias().zero();
      addBiasGradient(input, gradients.inputBias(), positions);
      addBiasGradient(recurrent, gradients.recurrentBias(), positions);
      addBiasGradient(gated, gradients.recurrentBias(), positions);
    }
    projection.gradient(positions);
  }

  private void gate(JavaCell.Gating gating, int t) {
    for (int p = t * batch; p < (t + 1) * batch; p++) {
      int gates = (int) layer.gates().at(p);
      gating.gate(data, units, gates, (int) layer.hidden().at(p), gatedStates + p * units);
    }
    Operand states = Operand.rows(gatedStates + t * batch * units, units);
    addForwardProduct(gated, t * batch, batch, states);
    for (int p = t * batch; norm.isActive() && p < (t + 1) * batch; p++) {
      norm.gatedForward(p);
    }
  }

  private void gateBackward(JavaCell.Gating gating, int t) {
    for (int p = t * batch; norm.isActive() && p < (t + 1) * batch; p++) {
      norm.gatedBackward(p);
    }
    Arrays.fill(data, dGated, dGated + batch * units, 0f);
    addBackwardProduct(gated, t * batch, batch, Operand.rows(dGated, units));
    for (int b = 0; b < batch; b++) {
      int p = t * batch + b;
      gating.gateBackward(
          data,
          units,
          (int) layer.gates().at(p),
          (int) layer.hidden().at(p),
          dGated + b * units,
          (int) layer.dHidden().at(b));
    }
  }

  private void addForwardProduct(JavaSource source, int position, int rows, Operand left) {
    products.addProduct(
        gates(source, position),
        rows,
        source.terms,
        left,
        source.width,
        source.forward,
        source.terms);
  }

  private void addBackwardProduct(JavaSource source, int position, int rows, Operand out) {
    products.addProduct(
        out,
        rows,
        source.width,
        gates(source, position),
        source.terms,
        source.backward,
        source.width);
  }

  /**
   * Where what comes of a source is added up, and later its gradient is, from a position on: in the
   * gates, unless it is normalised first.
   */
  private int sums(JavaSource source, int position) {
    int all = norm.isActive() ? norm.sums(source == input) : (int) layer.gates().offset();
    return all + position * gateColumns;
  }

  /** The floats of the slots that see a source, from a position on. */
  private Operand gates(JavaSource source, int position) {
    int base = sums(source, position) + source.firstSlot * LANES;
    int pieceStride = layer.cell().slots().size() * LANES;
    return new Operand(base, gateColumns, 1, source.slots * LANES, pieceStride);
  }

  private void addWeightGradient(
      JavaSource source, Matrix dWeights, int right, int rightStride, int positions) {
    for (int k = 0; k < source.terms; k += LANES) {
      int unit = source.unit(k);
      int row = source.slot(k).gate() * units + unit;
      int column = sums(source, 0) + source.gateColumn(k);
      products.addProduct(
          Operand.rowsOf(dWeights, row),
          Math.min(LANES, units - unit),
          source.width,
          Operand.columns(column, gateColumns),
          positions,
          right,
          rightStride);
    }
  }

  private void addBiasGradient(JavaSource source, Matrix dBias, int positions) {
    for (int k = 0; k < source.terms; k += LANES) {
      int unit = source.unit(k);
      JavaProducts.addRows(
          data,
          (int) dBias.offset() + source.slot(k).gate() * units + unit,
          (int) layer.gates().offset() + source.gateColumn(k),
          gateColumns,
          positions,
          Math.min(LANES, units - unit));
    }
  }

  private void addInputColumn(int sums, int token) {
    int column = input.forward + token * input.terms;
    for (int k = 0; k < input.terms; k += LANES) {
      if (norm.isActive()) {
        System.arraycopy(data, column + k, data, sums + input.gateColumn(k), LANES);
      } else {
        JavaProducts.addRows(data, sums + input.gateColumn(k), column + k, 0, 1, LANES);
      }
    }
  }

  private void scatterInputGradient(int positions, int[] tokens) {
    int dWeights = (int) layer.gradients().inputWeights().offset();
    for (int p = 0; p < positions; p++) {
      int gates = sums(input, p);
      for (int k = 0; k < input.terms; k++) {
        int unit = input.unit(k);
        if (unit < units) {
          int row = input.slot(k).gate() * units + unit;
          data[dWeights + row * input.width + tokens[p]] += data[gates + input.gateColumn(k)];
        }
      }
    }
  }

  /** Units beyond the last stay +0, even where an infinite input met their zero weights. */
  private void zeroPadding(int gates) {
    int used = units % LANES;
    if (used != 0) {
      int slots = layer.cell().slots().size();
      for (int s = 0; s < slots; s++) {
        int slot = gates + layer.cell().gateColumn(s, units - used);
        Arrays.fill(data, slot + used, slot + LANES, 0f);
      }
    }
  }
}
