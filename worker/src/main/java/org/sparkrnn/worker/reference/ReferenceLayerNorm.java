package org.sparkrnn.worker.reference;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.CellKind.Slot;

/** Layer normalisation (Ba, Kiros and Hinton 2016) of a layer's sums and cell states, in double. */
final class ReferenceLayerNorm {
  private static final double EPSILON = 1e-5;

  /** What slots see. */
  enum Source {
    INPUT,
    HIDDEN,
    GATED;

    boolean isSeenBy(Slot slot) {
      return switch (this) {
        case INPUT -> slot.seesInput();
        case HIDDEN -> slot.seesHidden();
        case GATED -> slot.seesGated();
      };
    }
  }

  private final CellKind kind;
  private final int units;
  private final int inputGain;
  private final int recurrentGain;
  private final int cellGain;
  private final int cellBias;

  /** Of each position, by source: {@code [group]}. */
  private final List<Map<Source, Normal[]>> sums = new ArrayList<>();

  /** {@code [position]}. */
  private Normal[] cells = new Normal[0];

  ReferenceLayerNorm(CellKind kind, ParameterLayout layout, String name, int units) {
    this.kind = kind;
    this.units = units;
    this.inputGain = layout.block("rnn.gain_ih_l" + name).offset();
    this.recurrentGain = layout.block("rnn.gain_hh_l" + name).offset();
    boolean cell = kind.hasCellState();
    this.cellGain = cell ? layout.block("rnn.gain_c_l" + name).offset() : 0;
    this.cellBias = cell ? layout.block("rnn.bias_c_l" + name).offset() : 0;
  }

  void begin(int positions) {
    sums.clear();
    for (int p = 0; p < positions; p++) {
      sums.add(new EnumMap<>(Source.class));
    }
    cells = new Normal[positions];
  }

  /** Values with mean 0 and variance 1, and how they depend on what they were made of. */
  private static final class Normal {
    final double[] values;
    final double inverse;

    Normal(double[] raw) {
      double mean = 0;
      for (double value : raw) {
        mean += value / raw.length;
      }
      double variance = 0;
      for (double value : raw) {
        variance += (value - mean) * (value - mean) / raw.length;
      }
      inverse = 1 / Math.sqrt(variance + EPSILON);
      values = new double[raw.length];
      for (int i = 0; i < raw.length; i++) {
        values[i] = (raw[i] - mean) * inverse;
      }
    }

    double[] backward(double[] d) {
      double mean = 0;
      double product = 0;
      for (int i = 0; i < d.length; i++) {
        mean += d[i] / d.length;
        product += d[i] * values[i] / d.length;
      }
      double[] result = new double[d.length];
      for (int i = 0; i < d.length; i++) {
        result[i] = inverse * (d[i] - mean - values[i] * product);
      }
      return result;
    }
  }

  private List<Integer> slots(Source source, int group) {
    List<Integer> own = new ArrayList<>();
    for (int s = 0; s < kind.slots().size(); s++) {
      Slot slot = kind.slots().get(s);
      if (source.isSeenBy(slot) && kind.normalisation(slot) == group) {
        own.add(s);
      }
    }
    return own;
  }

  private int gain(Source source, int slot, int u) {
    int row = kind.slots().get(slot).gate() * units + u;
    return (source == Source.INPUT ? inputGain : recurrentGain) + row;
  }

  /**
   * Adds a source's share to the pre-activations of a position.
   *
   * @param raw {@code [unit][slot]}: what the slots add up of it
   */
  void forward(double[] w, int p, Source source, double[][] raw, double[][] gates) {
    Normal[] normals = new Normal[2];
    sums.get(p).put(source, normals);
    for (int group = 0; group < 2; group++) {
      List<Integer> own = slots(source, group);
      double[] together = new double[own.size() * units];
      for (int i = 0; i < together.length; i++) {
        together[i] = raw[i % units][own.get(i / units)];
      }
      Normal normal = new Normal(together);
      normals[group] = normal;
      for (int i = 0; i < together.length; i++) {
        int s = own.get(i / units);
        gates[i % units][s] += w[gain(source, s, i % units)] * normal.values[i];
      }
    }
  }

  /**
   * The gradient by what the slots added up of a source, {@code [unit][slot]}.
   *
   * @param dGates by the pre-activations
   * @param dw gradients by gains are added
   */
  double[][] backward(double[] w, int p, Source source, double[][] dGates, double[] dw) {
    double[][] result = new double[units][kind.slots().size()];
    Normal[] normals = Objects.requireNonNull(sums.get(p).get(source));
    for (int group = 0; group < 2; group++) {
      List<Integer> own = slots(source, group);
      Normal normal = normals[group];
      double[] d = new double[own.size() * units];
      for (int i = 0; i < d.length; i++) {
        int s = own.get(i / units);
        int gain = gain(source, s, i % units);
        double dz = dGates[i % units][s];
        dw[gain] += dz * normal.values[i];
        d[i] = dz * w[gain];
      }
      double[] raw = normal.backward(d);
      for (int i = 0; i < d.length; i++) {
        result[i % units][own.get(i / units)] = raw[i];
      }
    }
    return result;
  }

  /** What a position's hidden state is made of. */
  double[] cellForward(double[] w, int p, double[] cell) {
    cells[p] = new Normal(cell);
    return normalisedCell(w, p);
  }

  double[] normalisedCell(double[] w, int p) {
    double[] y = new double[units];
    for (int u = 0; u < units; u++) {
      y[u] = w[cellGain + u] * cells[p].values[u] + w[cellBias + u];
    }
    return y;
  }

  /** The gradient by the cell state, from that by {@link #normalisedCell}. */
  double[] cellBackward(double[] w, int p, double[] dy, double[] dw) {
    double[] d = new double[units];
    for (int u = 0; u < units; u++) {
      dw[cellBias + u] += dy[u];
      dw[cellGain + u] += dy[u] * cells[p].values[u];
      d[u] = dy[u] * w[cellGain + u];
    }
    return cells[p].backward(d);
  }
}
