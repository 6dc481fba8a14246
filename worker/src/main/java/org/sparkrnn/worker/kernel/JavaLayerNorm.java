package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.Matrix.LANES;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import org.sparkrnn.worker.kernel.CellKind.Slot;

/**
 * Layer normalisation (Ba, Kiros and Hinton 2016) of one position, whatever the cell.
 *
 * <p>Packed: what the slots add up of the input and of the hidden state, {@code [time·batch, slots
 * · paddedHidden]} each, in the layout of gates, which become the gradients by them; mean and 1 /
 * deviation of what is normalised together, {@code [time·batch, 10]}; the gradients by a position's
 * normalised cell states. Nothing where the layer is not normalised.
 */
final class JavaLayerNorm {
  private static final float EPSILON = 1e-5f;
  private static final int STATISTICS = 10;

  /** Of the cell state, in a position's statistics. */
  private static final int CELL = 8;

  private final float[] data;
  private final RecurrentLayer layer;
  private final List<Slot> slots;
  private final int units;
  private final int padded;
  private final int gateColumns;
  private final int inputSums;
  private final int hiddenSums;
  private final int statistics;
  private final int normalGradients;
  private final List<Span> ofInput;
  private final List<Span> ofHidden;
  private final List<Span> ofGated;
  private final float[] sums = new float[LANES];
  private final float[] products = new float[LANES];

  /** Slots that are normalised together, and where their statistics are. */
  private record Span(boolean input, int first, int count, int statistics) {}

  JavaLayerNorm(float[] data, RecurrentLayer layer, int from) {
    this.data = data;
    this.layer = layer;
    this.slots = layer.cell().slots();
    this.units = layer.hiddenUnits();
    this.padded = Matrix.padded(units);
    this.gateColumns = layer.shape().gateColumns();
    int positions = layer.shape().positions();
    this.inputSums = from;
    this.hiddenSums = inputSums + positions * gateColumns;
    this.statistics = hiddenSums + positions * gateColumns;
    this.normalGradients = statistics + positions * STATISTICS;
    this.ofInput = spans(true, Slot::seesInput);
    this.ofHidden = spans(false, Slot::seesHidden);
    this.ofGated = spans(false, Slot::seesGated);
  }

  static long packedFloats(LayerShape shape) {
    long ofPosition = 2L * shape.gateColumns() + STATISTICS;
    return shape.normalised() ? shape.positions() * ofPosition + Matrix.padded(shape.hidden()) : 0;
  }

  private List<Span> spans(boolean input, Predicate<Slot> sees) {
    List<Span> spans = new ArrayList<>();
    for (int s = 0; s < slots.size(); s++) {
      if (!sees.test(slots.get(s))) {
        continue;
      }
      int group = layer.cell().normalisation(slots.get(s));
      int at = (input ? 0 : 4) + 2 * group;
      int last = spans.size() - 1;
      if (last >= 0 && spans.get(last).statistics() == at) {
        Span open = spans.get(last);
        spans.set(last, new Span(input, open.first(), open.count() + 1, at));
      } else {
        spans.add(new Span(input, s, 1, at));
      }
    }
    return spans;
  }

  boolean isActive() {
    return layer.shape().normalised();
  }

  /** Whether the hidden state is made of the normalised cell state. */
  boolean normalisesCell() {
    return isActive() && layer.cell().hasCellState();
  }

  /** Where what comes of the input, or else of the hidden state, is added up: of all positions. */
  int sums(boolean input) {
    return input ? inputSums : hiddenSums;
  }

  void zeroSums(int positions) {
    Arrays.fill(data, inputSums, inputSums + positions * gateColumns, 0f);
    Arrays.fill(data, hiddenSums, hiddenSums + positions * gateColumns, 0f);
  }

  /** From the sums of a position to its pre-activations. */
  void forward(int p) {
    ofInput.forEach(span -> forward(p, span));
    ofHidden.forEach(span -> forward(p, span));
  }

  /** The share of the gated hidden state, once its products are there. */
  void gatedForward(int p) {
    ofGated.forEach(span -> forward(p, span));
  }

  private void forward(int p, Span span) {
    int from = sums(span.input()) + p * gateColumns;
    int gates = (int) layer.gates().at(p);
    Arrays.fill(sums, 0f);
    eachFloat(span, (s, u, column) -> sums[u % LANES] += u < units ? data[from + column] : 0f);
    float mean = added(sums) / (units * span.count());
    Arrays.fill(sums, 0f);
    eachFloat(
        span,
        (s, u, column) -> {
          float d = u < units ? data[from + column] - mean : 0f;
          sums[u % LANES] = Math.fma(d, d, sums[u % LANES]);
        });
    keepStatistics(p, span.statistics(), mean, added(sums) / (units * span.count()));
    eachFloat(
        span,
        (s, u, column) -> {
          if (u < units) {
            boolean begins = span.input() || !slots.get(s).seesInput();
            float before = begins ? bias(s, u) : data[gates + column];
            float value = normal(p, span.statistics(), data[from + column]);
            data[gates + column] = Math.fma(data[gain(span, s, u)], value, before);
          }
        });
  }

  private float bias(int slot, int u) {
    int row = slots.get(slot).gate() * units + u;
    float input = data[(int) layer.parameters().inputBias().offset() + row];
    float recurrent = data[(int) layer.parameters().recurrentBias().offset() + row];
    if (!slots.get(slot).isRecurrent()) {
      return input;
    }
    return slots.get(slot).seesInput() ? input + recurrent : recurrent;
  }

  private int gain(Span span, int slot, int u) {
    RecurrentParameters of = layer.parameters();
    return gain(span.input() ? of.inputGain() : of.recurrentGain(), slot, u);
  }

  private int gain(Matrix gains, int slot, int u) {
    return (int) gains.offset() + slots.get(slot).gate() * units + u;
  }

  private void keepStatistics(int p, int at, float mean, float variance) {
    data[statistics + p * STATISTICS + at] = mean;
    data[statistics + p * STATISTICS + at + 1] = 1f / (float) Math.sqrt(variance + EPSILON);
  }

  private float normal(int p, int at, float value) {
    int own = statistics + p * STATISTICS + at;
    return (value - data[own]) * data[own + 1];
  }

  /** What a float of a position's gates is: slot, unit (the padding's too), column. */
  private interface Each {
    void accept(int slot, int unit, int column);
  }

  private void eachFloat(Span span, Each each) {
    for (int block = 0; block < padded; block += LANES) {
      for (int s = span.first(); s < span.first() + span.count(); s++) {
        for (int u = block; u < block + LANES; u++) {
          each.accept(s, u, layer.cell().gateColumn(s, u));
        }
      }
    }
  }

  /** The sum of all lanes, which are used up. */
  private static float added(float[] lanes) {
    for (int distance = LANES / 2; distance > 0; distance /= 2) {
      for (int lane = 0; lane < distance; lane++) {
        lanes[lane] += lanes[lane + distance];
      }
    }
    return lanes[0];
  }

  void zeroGradients() {
    if (isActive()) {
      RecurrentParameters gradients = layer.gradients();
      gradients.inputBias().zero();
      gradients.recurrentBias().zero();
      gradients.inputGain().zero();
      gradients.recurrentGain().zero();
      gradients.cellGain().zero();
      gradients.cellBias().zero();
    }
  }

  /** The sums that the gated hidden state is part of become the gradients by them. */
  void gatedBackward(int p) {
    ofGated.forEach(span -> backward(p, span));
  }

  /** The other sums too, once all gates are gradients by pre-activations. */
  void backward(int p) {
    int gates = (int) layer.gates().at(p);
    for (int s = 0; s < slots.size(); s++) {
      for (int u = 0; u < units; u++) {
        float dz = data[gates + layer.cell().gateColumn(s, u)];
        if (slots.get(s).seesInput()) {
          data[gain(layer.gradients().inputBias(), s, u)] += dz;
        }
        if (slots.get(s).isRecurrent()) {
          data[gain(layer.gradients().recurrentBias(), s, u)] += dz;
        }
      }
    }
    ofHidden.forEach(span -> backward(p, span));
    ofInput.forEach(span -> backward(p, span));
  }

  private void backward(int p, Span span) {
    int from = sums(span.input()) + p * gateColumns;
    int gates = (int) layer.gates().at(p);
    RecurrentParameters gradients = layer.gradients();
    Matrix dGain = span.input() ? gradients.inputGain() : gradients.recurrentGain();
    Arrays.fill(sums, 0f);
    Arrays.fill(products, 0f);
    eachFloat(
        span,
        (s, u, column) -> {
          float d = 0f;
          float value = 0f;
          if (u < units) {
            float dz = data[gates + column];
            value = normal(p, span.statistics(), data[from + column]);
            d = data[gain(span, s, u)] * dz;
            int own = gain(dGain, s, u);
            data[own] = Math.fma(dz, value, data[own]);
          }
          sums[u % LANES] += d;
          products[u % LANES] = Math.fma(d, value, products[u % LANES]);
        });
    float mean = added(sums) / (units * span.count());
    float meanProduct = added(products) / (units * span.count());
    eachFloat(
        span,
        (s, u, column) -> {
          float d = u < units ? data[gain(span, s, u)] * data[gates + column] : 0f;
          float value = data[from + column];
          data[from + column] =
              u < units ? through(p, span.statistics(), value, d, mean, meanProduct) : 0f;
        });
  }

  /**
   * The gradient by a value that is normalised.
   *
   * @param d gradient by the normalised value
   */
  private float through(int p, int at, float value, float d, float mean, float meanProduct) {
    float inverse = data[statistics + p * STATISTICS + at + 1];
    return inverse * Math.fma(-normal(p, at, value), meanProduct, d - mean);
  }

  /**
   * The hidden state of a position, from its cell state and the output gate, the last slot.
   *
   * @param computed where the cell state is that the cell computes
   */
  void cellForward(int p, int computed, int hidden) {
    Arrays.fill(sums, 0f);
    for (int u = 0; u < padded; u++) {
      sums[u % LANES] += u < units ? data[computed + u] : 0f;
    }
    float mean = added(sums) / units;
    Arrays.fill(sums, 0f);
    for (int u = 0; u < padded; u++) {
      float d = u < units ? data[computed + u] - mean : 0f;
      sums[u % LANES] = Math.fma(d, d, sums[u % LANES]);
    }
    keepStatistics(p, CELL, mean, added(sums) / units);
    for (int u = 0; u < units; u++) {
      data[hidden + u] = outputGate(p, u) * squashed(p, computed, u);
    }
  }

  private float outputGate(int p, int u) {
    return data[(int) layer.gates().at(p) + layer.cell().gateColumn(slots.size() - 1, u)];
  }

  private float squashed(int p, int computed, int u) {
    RecurrentParameters of = layer.parameters();
    float gain = data[(int) of.cellGain().offset() + u];
    float bias = data[(int) of.cellBias().offset() + u];
    return PolynomialMath.tanh(Math.fma(gain, normal(p, CELL, data[computed + u]), bias));
  }

  /**
   * Adds what comes by way of the hidden state to the gradient by the cell state.
   *
   * @param d in: gradient by the hidden state; out: by the output gate
   */
  void cellBackward(int p, int computed, int d, int dCell) {
    int gain = (int) layer.parameters().cellGain().offset();
    int dGain = (int) layer.gradients().cellGain().offset();
    int dBias = (int) layer.gradients().cellBias().offset();
    Arrays.fill(sums, 0f);
    Arrays.fill(products, 0f);
    for (int u = 0; u < padded; u++) {
      float dNormal = 0f;
      float value = 0f;
      if (u < units) {
        float tc = squashed(p, computed, u);
        float dy = data[d + u] * outputGate(p, u) * Math.fma(-tc, tc, 1f);
        value = normal(p, CELL, data[computed + u]);
        dNormal = data[gain + u] * dy;
        data[d + u] = data[d + u] * tc;
        data[dBias + u] += dy;
        data[dGain + u] = Math.fma(dy, value, data[dGain + u]);
      }
      data[normalGradients + u] = dNormal;
      sums[u % LANES] += dNormal;
      products[u % LANES] = Math.fma(dNormal, value, products[u % LANES]);
    }
    float mean = added(sums) / units;
    float meanProduct = added(products) / units;
    for (int u = 0; u < units; u++) {
      float dNormal = data[normalGradients + u];
      data[dCell + u] += through(p, CELL, data[computed + u], dNormal, mean, meanProduct);
    }
  }
}
