package org.sparkrnn.worker.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.sparkrnn.worker.kernel.CellKind.Slot;

/** Layer normalisation of docs/numerics.md, section 3, on copies: written from the page. */
final class LayerNormOracle {
  private final CellKind kind;
  private final int units;
  private final int paddedUnits;
  private final float[] inputGain;
  private final float[] recurrentGain;
  private final float[] cellGain;
  private final float[] cellBias;
  private final float[] dInputBias;
  private final float[] dRecurrentBias;
  private final float[] dInputGain;
  private final float[] dRecurrentGain;
  private final float[] dCellGain;
  private final float[] dCellBias;

  /** {@code [position][slot][unit]}, units padded; then the gradients by them. */
  final float[][][] inputSums;

  final float[][][] hiddenSums;

  /** {@code [position][slot]}, of the input and of the hidden state; {@code [position]}. */
  private final Normal[][] ofInput;

  private final Normal[][] ofHidden;
  private final Normal[] ofCell;

  LayerNormOracle(RecurrentLayer layer, int positions) {
    this.kind = layer.cell();
    this.units = layer.hiddenUnits();
    this.paddedUnits = Matrix.padded(units);
    this.inputGain = layer.parameters().inputGain().toArray();
    this.recurrentGain = layer.parameters().recurrentGain().toArray();
    this.cellGain = layer.parameters().cellGain().toArray();
    this.cellBias = layer.parameters().cellBias().toArray();
    this.dInputBias = new float[inputGain.length];
    this.dRecurrentBias = new float[inputGain.length];
    this.dInputGain = new float[inputGain.length];
    this.dRecurrentGain = new float[inputGain.length];
    this.dCellGain = new float[cellGain.length];
    this.dCellBias = new float[cellGain.length];
    this.inputSums = new float[positions][kind.slots().size()][paddedUnits];
    this.hiddenSums = new float[positions][kind.slots().size()][paddedUnits];
    this.ofInput = new Normal[positions][kind.slots().size()];
    this.ofHidden = new Normal[positions][kind.slots().size()];
    this.ofCell = new Normal[positions];
  }

  boolean normalisesCell() {
    return kind.hasCellState() && inputGain.length > 0;
  }

  private record Normal(float mean, float inverse) {
    float of(float value) {
      return (value - mean) * inverse;
    }
  }

  /** Values in blocked order, those of the padding left out. */
  private interface Values {
    float of(int slot, int unit);
  }

  /** Sixteen lanes; the padding counts as +0. */
  private float sum(List<Integer> slots, Values values, Values factors) {
    float[] lanes = new float[16];
    for (int block = 0; block < paddedUnits; block += 16) {
      for (int s : slots) {
        for (int u = block; u < block + 16; u++) {
          float value = u < units ? values.of(s, u) : 0f;
          float factor = u < units ? factors.of(s, u) : 0f;
          boolean plain = factors == ONE;
          lanes[u % 16] = plain ? lanes[u % 16] + value : Math.fma(value, factor, lanes[u % 16]);
        }
      }
    }
    for (int d = 8; d > 0; d /= 2) {
      for (int lane = 0; lane < d; lane++) {
        lanes[lane] = lanes[lane] + lanes[lane + d];
      }
    }
    return lanes[0] / (float) (units * slots.size());
  }

  private static final Values ONE = (slot, unit) -> 1f;

  private Normal normal(List<Integer> slots, Values values) {
    float mean = sum(slots, values, ONE);
    Values deviations = (s, u) -> values.of(s, u) - mean;
    float variance = sum(slots, deviations, deviations);
    return new Normal(mean, 1f / (float) Math.sqrt(variance + 1e-5f));
  }

  private List<List<Integer>> groups(Predicate<Slot> sees) {
    List<List<Integer>> groups = List.of(new ArrayList<>(), new ArrayList<>());
    for (int s = 0; s < kind.slots().size(); s++) {
      Slot slot = kind.slots().get(s);
      boolean candidateOfGru = kind.name().startsWith("GRU") && slot.gate() == 2;
      if (sees.test(slot)) {
        groups.get(candidateOfGru ? 1 : 0).add(s);
      }
    }
    return groups.stream().filter(group -> !group.isEmpty()).toList();
  }

  /** The share of the input or of the hidden state, in what the bias or the input began. */
  void forward(int p, boolean input, Predicate<Slot> sees, float[][] gates) {
    float[][] sums = input ? inputSums[p] : hiddenSums[p];
    float[] gain = input ? inputGain : recurrentGain;
    for (List<Integer> group : groups(sees)) {
      Normal normal = normal(group, (s, u) -> sums[s][u]);
      for (int s : group) {
        (input ? ofInput : ofHidden)[p][s] = normal;
        for (int u = 0; u < units; u++) {
          float factor = gain[kind.slots().get(s).gate() * units + u];
          gates[s][u] = Math.fma(factor, normal.of(sums[s][u]), gates[s][u]);
        }
      }
    }
  }

  void biasBackward(float[][] dGates) {
    for (int s = 0; s < kind.slots().size(); s++) {
      for (int u = 0; u < units; u++) {
        int row = kind.slots().get(s).gate() * units + u;
        if (kind.slots().get(s).seesInput()) {
          dInputBias[row] += dGates[s][u];
        }
        if (kind.slots().get(s).isRecurrent()) {
          dRecurrentBias[row] += dGates[s][u];
        }
      }
    }
  }

  void backward(int p, boolean input, Predicate<Slot> sees, float[][] dGates) {
    float[][] sums = input ? inputSums[p] : hiddenSums[p];
    float[] gain = input ? inputGain : recurrentGain;
    float[] dGain = input ? dInputGain : dRecurrentGain;
    for (List<Integer> group : groups(sees)) {
      Normal normal = (input ? ofInput : ofHidden)[p][group.get(0)];
      Values d = (s, u) -> gain[kind.slots().get(s).gate() * units + u] * dGates[s][u];
      Values values = (s, u) -> normal.of(sums[s][u]);
      for (int s : group) {
        for (int u = 0; u < units; u++) {
          int row = kind.slots().get(s).gate() * units + u;
          dGain[row] = Math.fma(dGates[s][u], values.of(s, u), dGain[row]);
        }
      }
      float mean = sum(group, d, ONE);
      float product = sum(group, d, values);
      for (int s : group) {
        for (int u = 0; u < units; u++) {
          sums[s][u] = through(normal, sums[s][u], d.of(s, u), mean, product);
        }
      }
    }
  }

  private static float through(Normal normal, float value, float d, float mean, float product) {
    return normal.inverse() * Math.fma(-normal.of(value), product, d - mean);
  }

  /** What the output gate is multiplied by. */
  float[] squashed(int p, float[] cell) {
    Normal normal = normal(List.of(0), (s, u) -> cell[u]);
    ofCell[p] = normal;
    float[] squashed = new float[units];
    for (int u = 0; u < units; u++) {
      squashed[u] = PolynomialMath.tanh(Math.fma(cellGain[u], normal.of(cell[u]), cellBias[u]));
    }
    return squashed;
  }

  /** By way of the hidden state, whose gradient times the output gate is given. */
  float[] cellBackward(int p, float[] cell, float[] dSquashed) {
    float[] squashed = squashed(p, cell);
    float[] dNormal = new float[units];
    for (int u = 0; u < units; u++) {
      float dy = dSquashed[u] * Math.fma(-squashed[u], squashed[u], 1f);
      dCellBias[u] += dy;
      dCellGain[u] = Math.fma(dy, ofCell[p].of(cell[u]), dCellGain[u]);
      dNormal[u] = cellGain[u] * dy;
    }
    float mean = sum(List.of(0), (s, u) -> dNormal[u], ONE);
    float product = sum(List.of(0), (s, u) -> dNormal[u], (s, u) -> ofCell[p].of(cell[u]));
    float[] d = new float[units];
    for (int u = 0; u < units; u++) {
      d[u] = through(ofCell[p], cell[u], dNormal[u], mean, product);
    }
    return d;
  }

  void putBackward(Map<String, float[]> results) {
    results.put("bias_ih", dInputBias);
    results.put("bias_hh", dRecurrentBias);
    results.put("gain_ih", dInputGain);
    results.put("gain_hh", dRecurrentGain);
    results.put("gain_c", dCellGain);
    results.put("bias_c", dCellBias);
  }
}
