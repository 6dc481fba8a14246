package org.sparkrnn.worker.kernel;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.sparkrnn.common.config.KernelConfig.Precision;
import org.sparkrnn.worker.kernel.CellKind.Slot;

/**
 * Section 3 of docs/numerics.md, one scalar after the other, on copies of a fixture's inputs:
 * written from the page, without the kernels' packing, blocking or loops.
 */
final class RecurrenceOracle {
  private final Precision precision;
  private final CellKind kind;
  private final OracleCell cellOracle;
  private final int time;
  private final int batch;
  private final int input;
  private final int units;
  private final int paddedUnits;
  private final int outputs; // columns of the hidden state
  private final boolean projected;
  private final int[] tokens;
  private final float[] weightIh;
  private final float[] weightHh;
  private final float[] biasIh;
  private final float[] biasHh;
  private final float[] peepholes;
  private final float[] dPeepholes;
  private final float[] weightHr;
  private final float[] x;
  private final float[] dSequence;
  private final float[] hidden;
  private final float[] cell;
  private final float[] gated; // hidden states times a gate
  private final float[] unprojected; // what becomes hidden states
  private final float[] dOutputs; // gradients by them
  private final float[] newCell; // the cell states that zoneout lets units take
  private final Zoneout zoneout;
  private final boolean[] hiddenUpdates; // none: the mean
  private final boolean[] cellUpdates;
  private final float[][][] gates; // [position][slot][unit], units padded
  private final float[] dHidden;
  private final float[] dCell;
  private final boolean normalised;
  private final LayerNormOracle norm;

  RecurrenceOracle(Precision precision, RecurrentLayer layer, int time, int[] tokens) {
    this.precision = precision;
    this.kind = layer.cell();
    this.cellOracle = OracleCell.of(kind);
    this.time = time;
    this.batch = layer.batch();
    this.input = layer.input();
    this.units = layer.hiddenUnits();
    this.paddedUnits = Matrix.padded(units);
    this.outputs = layer.outputUnits();
    this.projected = outputs < units;
    this.tokens = tokens;
    this.weightIh = layer.parameters().inputWeights().toArray();
    this.weightHh = layer.parameters().recurrentWeights().toArray();
    this.biasIh = layer.parameters().inputBias().toArray();
    this.biasHh = layer.parameters().recurrentBias().toArray();
    this.peepholes = layer.parameters().peepholes().toArray();
    this.dPeepholes = new float[peepholes.length];
    this.weightHr = layer.parameters().projection().toArray();
    this.x = layer.x().toArray();
    this.dSequence = layer.dHiddenSequence().toArray();
    this.hidden = new float[(time + 1) * batch * outputs];
    this.cell = new float[(time + 1) * batch * units];
    this.gated = new float[time * batch * units];
    this.unprojected = new float[projected ? time * batch * units : 0];
    this.dOutputs = new float[projected ? time * batch * outputs : 0];
    this.newCell = new float[time * batch * units];
    this.zoneout = layer.shape().zoneout();
    this.hiddenUpdates = LayerFixture.choices(layer.zoneout().hiddenUpdates(), outputs);
    this.cellUpdates = LayerFixture.choices(layer.zoneout().cellUpdates(), units);
    layer.hidden().rows(0, batch).read(hidden, 0);
    this.dHidden = layer.dHidden().toArray();
    this.dCell = new float[batch * units];
    if (kind.hasCellState()) {
      layer.cellState().rows(0, batch).read(cell, 0);
      layer.dCell().read(dCell, 0);
    }
    this.gates = new float[time * batch][kind.slots().size()][paddedUnits];
    this.normalised = layer.shape().normalised();
    this.norm = new LayerNormOracle(layer, time * batch);
  }

  void forward() {
    for (int p = 0; p < time * batch; p++) {
      for (int u = 0; u < units; u++) {
        float[] z = new float[kind.slots().size()];
        for (int s = 0; s < z.length; s++) {
          z[s] = preActivation(kind.slots().get(s), p, u);
        }
        store(p, u, z);
      }
      if (normalised) {
        norm.forward(p, true, Slot::seesInput, gates[p]);
        norm.forward(p, false, Slot::seesHidden, gates[p]);
      }
      if (cellOracle instanceof OracleCell.Gating gating) {
        gate(gating, p);
      }
      float[][] states = new float[units][];
      for (int u = 0; u < units; u++) {
        float[] z = slotsOf(p, u);
        float[] state = {projected ? Float.NaN : hidden[p * units + u], cell[p * units + u]};
        cellOracle.forward(z, state, peepholesOf(peepholes, u));
        store(p, u, z);
        newCell[p * units + u] = state[1];
        states[u] = state;
      }
      float[] squashed = norm.normalisesCell() ? norm.squashed(p, newCells(p)) : new float[0];
      for (int u = 0; u < units; u++) {
        float[] state = states[u];
        if (norm.normalisesCell()) {
          state[0] = gates[p][kind.slots().size() - 1][u] * squashed[u];
        }
        int i = p * units + u;
        int after = (p + batch) * units + u;
        if (projected) {
          unprojected[i] = state[0];
        } else {
          hidden[after] = zoned(zoneout.hidden(), hiddenUpdates, i, hidden[i], state[0]);
        }
        cell[after] = zoned(zoneout.cell(), cellUpdates, i, cell[i], state[1]);
      }
      if (projected) {
        project(p);
      }
    }
  }

  private float[] newCells(int p) {
    return Arrays.copyOfRange(newCell, p * units, (p + 1) * units);
  }

  private void project(int p) {
    for (int j = 0; j < outputs; j++) {
      Chain chain = new Chain(precision, 0f);
      for (int u = 0; u < units; u++) {
        chain.add(unprojected[p * units + u], weightHr[j * units + u]);
      }
      int i = p * outputs + j;
      int after = (p + batch) * outputs + j;
      hidden[after] = zoned(zoneout.hidden(), hiddenUpdates, i, hidden[i], chain.end());
    }
  }

  /** From the gradient by the hidden state after a step to that by what was projected. */
  private float[] projectionBackward(int p, int b, float[] dh) {
    for (int j = 0; j < outputs; j++) {
      boolean keeps = zoneout.hidden() > 0 && !hiddenUpdates[p * outputs + j];
      dHidden[b * outputs + j] = keeps ? dh[j] : 0f;
      dOutputs[p * outputs + j] = keeps ? 0f : dh[j];
    }
    float[] d = new float[units];
    for (int u = 0; u < units; u++) {
      Chain chain = new Chain(precision, 0f);
      for (int j = 0; j < outputs; j++) {
        chain.add(dOutputs[p * outputs + j], weightHr[j * units + u]);
      }
      d[u] = chain.end();
    }
    return d;
  }

  private static float zoned(float rate, boolean[] updates, int i, float before, float computed) {
    if (rate == 0) {
      return computed;
    }
    if (updates.length == 0) {
      return Math.fma(rate, before - computed, computed);
    }
    return updates[i] ? computed : before;
  }

  private boolean hasDirectPath() {
    return kind.hasDirectPath() || zoneout.hidden() > 0;
  }

  private float preActivation(Slot slot, int p, int u) {
    int row = slot.gate() * units + u;
    float z = slot.seesInput() ? biasIh[row] : biasHh[row];
    if (slot.seesInput() && slot.isRecurrent()) {
      z = z + biasHh[row];
    }
    int s = kind.slots().indexOf(slot);
    float bias = z;
    if (slot.seesInput() && tokens.length > 0) {
      float selected = weightIh[row * input + tokens[p]];
      z = normalised ? selected : z + selected;
    } else if (slot.seesInput()) {
      Chain chain = new Chain(precision, normalised ? 0f : z);
      for (int k = 0; k < input; k++) {
        chain.add(x[p * input + k], weightIh[row * input + k]);
      }
      z = chain.end();
    }
    norm.inputSums[p][s][u] = z;
    if (slot.seesHidden()) {
      Chain chain = new Chain(precision, normalised ? 0f : z);
      for (int k = 0; k < outputs; k++) {
        chain.add(hidden[p * outputs + k], weightHh[row * outputs + k]);
      }
      z = chain.end();
      norm.hiddenSums[p][s][u] = z;
    }
    return normalised ? bias : z;
  }

  private void gate(OracleCell.Gating gating, int p) {
    for (int u = 0; u < units; u++) {
      float[] z = slotsOf(p, u);
      gated[p * units + u] = gating.gate(z, hidden[p * units + u]);
      store(p, u, z);
    }
    for (int s = 0; s < kind.slots().size(); s++) {
      for (int u = 0; kind.slots().get(s).seesGated() && u < units; u++) {
        int row = kind.slots().get(s).gate() * units + u;
        Chain chain = new Chain(precision, normalised ? 0f : gates[p][s][u]);
        for (int k = 0; k < units; k++) {
          chain.add(gated[p * units + k], weightHh[row * units + k]);
        }
        (normalised ? norm.hiddenSums : gates)[p][s][u] = chain.end();
      }
    }
    if (normalised) {
      norm.forward(p, false, Slot::seesGated, gates[p]);
    }
  }

  private void gateBackward(OracleCell.Gating gating, int p, int b) {
    if (normalised) {
      norm.backward(p, false, Slot::seesGated, gates[p]);
    }
    for (int u = 0; u < units; u++) {
      float dGated = blockedChain(p, Slot::seesGated, weightHh, units, u, 0f);
      float[] z = slotsOf(p, u);
      float direct = dHidden[b * units + u];
      dHidden[b * units + u] = gating.gateBackward(z, hidden[p * units + u], dGated, direct);
      store(p, u, z);
    }
  }

  private float[] slotsOf(int p, int u) {
    float[] z = new float[kind.slots().size()];
    for (int s = 0; s < z.length; s++) {
      z[s] = gates[p][s][u];
    }
    return z;
  }

  private float[] peepholesOf(float[] all, int u) {
    float[] own = new float[kind.peepholes()];
    for (int k = 0; k < own.length; k++) {
      own[k] = all[k * units + u];
    }
    return own;
  }

  private void store(int p, int u, float... slots) {
    for (int s = 0; s < slots.length; s++) {
      gates[p][s][u] = slots[s];
    }
  }

  void backward() {
    for (int t = time - 1; t >= 0; t--) {
      for (int b = 0; b < batch; b++) {
        int p = t * batch + b;
        float[] dh = new float[outputs];
        for (int u = 0; u < outputs; u++) {
          float fromAbove = dSequence[p * outputs + u];
          float direct = dHidden[b * outputs + u];
          boolean last = t == time - 1;
          float start = last || hasDirectPath() ? fromAbove + direct : fromAbove;
          dh[u] =
              last ? start : blockedChain(p + batch, Slot::seesHidden, weightHh, outputs, u, start);
        }
        if (projected) {
          dh = projectionBackward(p, b, dh);
        }
        float[] dByCell = norm.normalisesCell() ? cellNormBackward(p, dh) : new float[0];
        for (int u = 0; u < units; u++) {
          unitBackward(p, b, u, dh[u], dByCell);
        }
        if (cellOracle instanceof OracleCell.Gating gating) {
          gateBackward(gating, p, b);
        }
        if (normalised) {
          norm.biasBackward(gates[p]);
          norm.backward(p, false, Slot::seesHidden, gates[p]);
          norm.backward(p, true, Slot::seesInput, gates[p]);
        }
      }
    }
    for (int b = 0; b < batch; b++) {
      for (int u = 0; u < outputs; u++) {
        float start = hasDirectPath() ? dHidden[b * outputs + u] : 0f;
        dHidden[b * outputs + u] = blockedChain(b, Slot::seesHidden, weightHh, outputs, u, start);
      }
    }
  }

  private float[] cellNormBackward(int p, float[] dh) {
    float[] d = new float[units];
    for (int u = 0; u < units; u++) {
      float taken = keepsHidden(p, u) ? 0f : dh[u];
      d[u] = taken * gates[p][kind.slots().size() - 1][u];
    }
    return norm.cellBackward(p, newCells(p), d);
  }

  private boolean keepsHidden(int p, int u) {
    return !projected && zoneout.hidden() > 0 && !hiddenUpdates[p * units + u];
  }

  private void unitBackward(int p, int b, int u, float dh, float[] dByCell) {
    float[] z = slotsOf(p, u);
    int after = p + batch;
    float[] dOwn = peepholesOf(dPeepholes, u);
    float dc = dCell[b * units + u];
    boolean keepsHidden = keepsHidden(p, u);
    boolean keepsCell = zoneout.cell() > 0 && !cellUpdates[p * units + u];
    float[] d = {keepsHidden ? 0f : dh, keepsCell ? 0f : dc};
    if (norm.normalisesCell()) {
      d = new float[] {0f, d[1] + dByCell[u], d[0] * norm.squashed(p, newCells(p))[u]};
    }
    cellOracle.backward(
        z,
        new float[] {projected ? Float.NaN : hidden[p * units + u], cell[p * units + u]},
        new float[] {
          projected ? unprojected[p * units + u] : hidden[after * units + u], newCell[p * units + u]
        },
        d,
        peepholesOf(peepholes, u),
        dOwn);
    for (int k = 0; k < dOwn.length; k++) {
      dPeepholes[k * units + u] = dOwn[k];
    }
    store(p, u, z);
    if (zoneout.hidden() > 0 && !projected) {
      float past = keepsHidden ? dh : 0f;
      d[0] = kind.hasDirectPath() ? d[0] + past : past;
    }
    if (zoneout.cell() > 0) {
      d[1] = d[1] + (keepsCell ? dc : 0f);
    }
    if (!projected) {
      dHidden[b * units + u] = d[0];
    }
    dCell[b * units + u] = d[1];
  }

  /** Gates, or the sums of the input or of the hidden state, that are gradients by now. */
  private float[][][] sums(Predicate<Slot> sees) {
    boolean ofInput = sees.test(new Slot("", 0, true, false));
    return !normalised ? gates : ofInput ? norm.inputSums : norm.hiddenSums;
  }

  /** Over blocks of 16 units, slots, units: the padding's terms 0·0 too. */
  private float blockedChain(
      int p, Predicate<Slot> sees, float[] weights, int columns, int column, float start) {
    Chain chain = new Chain(precision, start);
    for (int block = 0; block < paddedUnits; block += 16) {
      for (int s = 0; s < kind.slots().size(); s++) {
        Slot slot = kind.slots().get(s);
        if (sees.test(slot)) {
          for (int u = block; u < block + 16; u++) {
            int row = slot.gate() * units + u;
            float weight = u < units ? weights[row * columns + column] : 0f;
            chain.add(sums(sees)[p][s][u], weight);
          }
        }
      }
    }
    return chain.end();
  }

  void putForward(Map<String, float[]> results) {
    results.put("gates", blockedGates());
    results.put("hidden", padded(hidden, outputs));
    if (kind.hasCellState()) {
      results.put("cell", padded(cell, units));
    }
  }

  void putBackward(Map<String, float[]> results) {
    results.put("dGates", blockedGates());
    results.put("dHidden", padded(dHidden, outputs));
    if (kind.hasCellState()) {
      results.put("dCell", padded(dCell, units));
    }
    if (tokens.length == 0) {
      float[] dx = new float[time * batch * input];
      for (int i = 0; i < dx.length; i++) {
        dx[i] = blockedChain(i / input, Slot::seesInput, weightIh, input, i % input, 0f);
      }
      results.put("dx", padded(dx, input));
    }
    int rows = kind.rows(units);
    results.put("weight_ih", weightGradient(true, new float[rows * input], input));
    results.put("weight_hh", weightGradient(false, new float[rows * outputs], outputs));
    results.put("bias_ih", biasGradient(true, new float[rows]));
    results.put("bias_hh", biasGradient(false, new float[rows]));
    results.put("weight_ph", dPeepholes);
    results.put("weight_hr", projectionGradient(new float[weightHr.length]));
    if (normalised) {
      norm.putBackward(results);
    }
  }

  private float[] weightGradient(boolean ofInput, float[] gradient, int columns) {
    float[][][] d = sums(ofInput ? Slot::seesInput : Slot::seesHidden);
    for (Slot slot : kind.slots()) {
      if (ofInput ? slot.seesInput() : slot.isRecurrent()) {
        float[] recurrent = slot.seesGated() ? gated : hidden;
        int s = kind.slots().indexOf(slot);
        for (int u = 0; u < units; u++) {
          int row = (slot.gate() * units + u) * columns;
          if (ofInput && tokens.length > 0) {
            for (int p = 0; p < time * batch; p++) {
              gradient[row + tokens[p]] += d[p][s][u];
            }
            continue;
          }
          for (int k = 0; k < columns; k++) {
            Chain chain = new Chain(precision, 0f);
            for (int p = 0; p < time * batch; p++) {
              chain.add(d[p][s][u], ofInput ? x[p * input + k] : recurrent[p * outputs + k]);
            }
            gradient[row + k] = chain.end();
          }
        }
      }
    }
    return gradient;
  }

  private float[] projectionGradient(float[] gradient) {
    for (int i = 0; i < gradient.length; i++) {
      Chain chain = new Chain(precision, 0f);
      for (int p = 0; p < time * batch; p++) {
        chain.add(dOutputs[p * outputs + i / units], unprojected[p * units + i % units]);
      }
      gradient[i] = chain.end();
    }
    return gradient;
  }

  private float[] biasGradient(boolean ofInput, float[] gradient) {
    List<Slot> slots = kind.slots();
    for (int s = 0; s < slots.size(); s++) {
      if (ofInput ? slots.get(s).seesInput() : slots.get(s).isRecurrent()) {
        for (int p = 0; p < time * batch; p++) {
          for (int u = 0; u < units; u++) {
            gradient[slots.get(s).gate() * units + u] += gates[p][s][u];
          }
        }
      }
    }
    return gradient;
  }

  private float[] blockedGates() {
    int columns = kind.slots().size() * paddedUnits;
    float[] blocked = new float[gates.length * columns];
    for (int p = 0; p < gates.length; p++) {
      for (int s = 0; s < kind.slots().size(); s++) {
        for (int u = 0; u < paddedUnits; u++) {
          int column = ((u / 16) * kind.slots().size() + s) * 16 + u % 16;
          blocked[p * columns + column] = gates[p][s][u];
        }
      }
    }
    return blocked;
  }

  private static float[] padded(float[] values, int columns) {
    int stride = (columns + 15) / 16 * 16;
    float[] padded = new float[values.length / columns * stride];
    for (int i = 0; i < values.length; i++) {
      padded[i / columns * stride + i % columns] = values[i];
    }
    return padded;
  }
}
