package org.sparkrnn.worker.reference;

import java.util.List;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.CellKind.Slot;
import org.sparkrnn.worker.kernel.Zoneout;
import org.sparkrnn.worker.reference.ReferenceLayerNorm.Source;

/**
 * A recurrent layer over a window, in double. Position {@code step·batch + stream}; arrays are
 * {@code [position, unit]}; of the hidden state, where it is projected, {@code [position, column]}.
 */
final class ReferenceLayer {
  private final ReferenceCell cell;
  private final List<Slot> slots;
  private final int batch;
  private final int input;
  private final int units;

  /** Columns of the hidden state: units, or what they are projected to. */
  private final int outputs;

  private final int weightIh;
  private final int weightHh;
  private final int biasIh;
  private final int biasHh;
  private final int peepholes;
  private final boolean normalised;

  /** None or one. */
  private final List<ReferenceLayerNorm> norms;

  private final boolean projected;
  private final int projection;

  /** Of which each has an element per unit, in {@code weight_ph}. */
  private final int peepholeCount;

  /** {@code [state][(time + 1)·batch·width]}; the first batch is the state before the window. */
  private double[][] states = new double[0][];

  /** {@code [state][position, unit]}: what the cell computes, before zoneout. */
  private double[][] computed = new double[0][];

  private final double[] zoneoutRates;

  /** {@code [state][position, unit]}: see {@link #update}. */
  private double[][] updates = new double[0][];

  /** {@code [position][unit][slot]}: activations, then gradients by the pre-activations. */
  private double[][][] gates = new double[0][][];

  /** {@code [position, unit]}: gradient by the hidden state, by way of all later steps too. */
  private double[] dHidden = new double[0];

  /**
   * {@code [position, unit]}: gradient by the cell state, by way of later steps; none without one.
   */
  private double[] dCell = new double[0];

  /** {@code [position, unit]}: the gated hidden state, if the cell has one. */
  private double[] gated = new double[0];

  /** {@code [position, unit]}: what is projected to hidden states. */
  private double[] unprojected = new double[0];

  private double[] x = new double[0];
  private int[] tokens = new int[0];

  ReferenceLayer(CellKind kind, ParameterLayout layout, int index, int batch, Zoneout zoneout) {
    this(kind, layout, String.valueOf(index), batch, zoneout);
  }

  /**
   * A layer by what its parameters' names end with.
   *
   * @param name such as {@code 0_reverse}
   */
  ReferenceLayer(CellKind kind, ParameterLayout layout, String name, int batch, Zoneout zoneout) {
    this.cell = kind.reference();
    this.slots = kind.slots();
    this.batch = batch;
    this.zoneoutRates = new double[] {zoneout.hidden(), zoneout.cell()};
    this.input = layout.block("rnn.weight_ih_l" + name).columns();
    this.units = layout.block("rnn.weight_hh_l" + name).rows() / kind.gates().size();
    this.outputs = layout.block("rnn.weight_hh_l" + name).columns();
    this.weightIh = layout.block("rnn.weight_ih_l" + name).offset();
    this.weightHh = layout.block("rnn.weight_hh_l" + name).offset();
    this.biasIh = layout.block("rnn.bias_ih_l" + name).offset();
    this.biasHh = layout.block("rnn.bias_hh_l" + name).offset();
    this.peepholeCount = kind.peepholes();
    this.peepholes = peepholeCount == 0 ? 0 : layout.block("rnn.weight_ph_l" + name).offset();
    this.normalised = layout.contains("rnn.gain_hh_l" + name);
    this.norms =
        normalised ? List.of(new ReferenceLayerNorm(kind, layout, name, units)) : List.of();
    this.projected = outputs < units;
    this.projection = projected ? layout.block("rnn.weight_hr_l" + name).offset() : 0;
  }

  /** Columns of a state. */
  private int width(int state) {
    return state == 0 ? outputs : units;
  }

  private double[][] window(int count, int rows) {
    double[][] arrays = new double[count][];
    for (int s = 0; s < count; s++) {
      arrays[s] = new double[rows * width(s)];
    }
    return arrays;
  }

  /**
   * The layer's output {@code [position, column]}.
   *
   * @param initial {@code [state][batch·width]}
   * @param inputs {@code [position, input]}; empty for one-hot input
   * @param oneHot tokens; empty otherwise
   */
  double[] forward(double[] w, int time, double[][] initial, double[] inputs, int[] oneHot) {
    x = inputs;
    tokens = oneHot;
    states = window(initial.length, (time + 1) * batch);
    for (int s = 0; s < initial.length; s++) {
      System.arraycopy(initial[s], 0, states[s], 0, batch * width(s));
    }
    computed = window(initial.length, time * batch);
    gates = new double[time * batch][units][slots.size()];
    gated = new double[cell instanceof ReferenceCell.Gating ? time * batch * units : 0];
    unprojected = new double[projected ? time * batch * units : 0];
    norms.forEach(norm -> norm.begin(time * batch));
    for (int p = 0; p < time * batch; p++) {
      preActivations(w, p);
      if (cell instanceof ReferenceCell.Gating gating) {
        gate(gating, w, p);
      }
      double[][] computedStates = new double[units][states.length];
      for (int u = 0; u < units; u++) {
        cell.forward(gates[p][u], peepholesOf(w, u), stateOf(p, u), computedStates[u]);
      }
      if (normalised && states.length > 1) {
        normaliseCell(w, p, computedStates);
      }
      for (int u = 0; u < units; u++) {
        double[] state = computedStates[u];
        if (projected) {
          unprojected[p * units + u] = state[0];
        } else {
          setState(0, p * units + u, state[0]);
        }
        for (int s = 1; s < state.length; s++) {
          setState(s, p * units + u, state[s]);
        }
      }
      for (int j = 0; projected && j < outputs; j++) {
        setState(0, p * outputs + j, projected(w, p, j));
      }
    }
    double[] output = new double[time * batch * outputs];
    System.arraycopy(states[0], batch * outputs, output, 0, output.length);
    return output;
  }

  private double projected(double[] w, int p, int column) {
    double sum = 0;
    for (int u = 0; u < units; u++) {
      sum += unprojected[p * units + u] * w[projection + column * units + u];
    }
    return sum;
  }

  private void setState(int s, int i, double value) {
    computed[s][i] = value;
    states[s][i + batch * width(s)] = update(s, i) * value + (1 - update(s, i)) * states[s][i];
  }

  /** Which units take their new states from now on; see {@link #update}. */
  void zoneout(double[][] newUpdates) {
    updates = newUpdates;
  }

  /** How much of a unit's state after a step is its new one: 0 or 1, or on average. */
  private double update(int state, int i) {
    return updates.length == 0 ? 1 - zoneoutRates[state] : updates[state][i];
  }

  private void preActivations(double[] w, int p) {
    double[][] ofInput = new double[units][slots.size()];
    double[][] ofHidden = new double[units][slots.size()];
    for (int u = 0; u < units; u++) {
      for (int s = 0; s < slots.size(); s++) {
        Slot slot = slots.get(s);
        int row = slot.gate() * units + u;
        gates[p][u][s] =
            (slot.seesInput() ? w[biasIh + row] : 0) + (slot.isRecurrent() ? w[biasHh + row] : 0);
        for (int k = 0; slot.seesInput() && k < input; k++) {
          ofInput[u][s] += inputAt(p, k) * w[weightIh + row * input + k];
        }
        for (int k = 0; slot.seesHidden() && k < outputs; k++) {
          ofHidden[u][s] += states[0][p * outputs + k] * w[weightHh + row * outputs + k];
        }
      }
    }
    add(w, p, Source.INPUT, ofInput);
    add(w, p, Source.HIDDEN, ofHidden);
  }

  private void add(double[] w, int p, Source source, double[][] sums) {
    if (normalised) {
      norms.get(0).forward(w, p, source, sums, gates[p]);
      return;
    }
    for (int u = 0; u < units; u++) {
      for (int s = 0; s < sums[u].length; s++) {
        gates[p][u][s] += sums[u][s];
      }
    }
  }

  /** The gradients by sums, {@code [unit][slot]}. */
  private double[][] sumGradients(double[] w, int p, Source source, double[] dw) {
    return normalised ? norms.get(0).backward(w, p, source, gates[p], dw) : gates[p];
  }

  /** The output gate is the last slot. */
  private void normaliseCell(double[] w, int p, double[][] computedStates) {
    double[] c = new double[units];
    for (int u = 0; u < units; u++) {
      c[u] = computedStates[u][1];
    }
    double[] y = norms.get(0).cellForward(w, p, c);
    for (int u = 0; u < units; u++) {
      computedStates[u][0] = gates[p][u][slots.size() - 1] * StrictMath.tanh(y[u]);
    }
  }

  /**
   * The gradient by the computed cell states, by way of the hidden state.
   *
   * @param d in: by the hidden state; out: by the output gate
   */
  private double[] normalisedCellBackward(double[] w, int p, double[] d, double[] dw) {
    double[] y = norms.get(0).normalisedCell(w, p);
    double[] dy = new double[units];
    for (int u = 0; u < units; u++) {
      double squashed = StrictMath.tanh(y[u]);
      dy[u] = d[u] * gates[p][u][slots.size() - 1] * (1 - squashed * squashed);
      d[u] *= squashed;
    }
    return norms.get(0).cellBackward(w, p, dy, dw);
  }

  private void gate(ReferenceCell.Gating gating, double[] w, int p) {
    for (int u = 0; u < units; u++) {
      gated[p * units + u] = gating.gate(gates[p][u], stateOf(p, u));
    }
    double[][] sums = new double[units][slots.size()];
    for (int s = 0; s < slots.size(); s++) {
      for (int u = 0; slots.get(s).seesGated() && u < units; u++) {
        int row = slots.get(s).gate() * units + u;
        for (int k = 0; k < units; k++) {
          sums[u][s] += gated[p * units + k] * w[weightHh + row * units + k];
        }
      }
    }
    add(w, p, Source.GATED, sums);
  }

  /**
   * Gradients by the gated hidden state: of its slots' weights, of its gate, of the state before.
   */
  private void gateBackward(
      ReferenceCell.Gating gating, double[] w, int p, double[] dPrevious, double[] dw) {
    double[] dGated = new double[units];
    double[][] d = sumGradients(w, p, Source.GATED, dw);
    for (int s = 0; s < slots.size(); s++) {
      for (int u = 0; slots.get(s).seesGated() && u < units; u++) {
        int row = slots.get(s).gate() * units + u;
        for (int k = 0; k < units; k++) {
          dw[weightHh + row * units + k] += d[u][s] * gated[p * units + k];
          dGated[k] += d[u][s] * w[weightHh + row * units + k];
        }
      }
    }
    for (int u = 0; u < units; u++) {
      dPrevious[u] += gating.gateBackward(gates[p][u], stateOf(p, u), dGated[u]);
    }
  }

  private double inputAt(int p, int k) {
    if (tokens.length > 0) {
      return tokens[p] == k ? 1 : 0;
    }
    return x[p * input + k];
  }

  private double[] peepholesOf(double[] w, int u) {
    double[] own = new double[peepholeCount];
    for (int k = 0; k < peepholeCount; k++) {
      own[k] = w[peepholes + k * units + u];
    }
    return own;
  }

  /** All states of a unit before position p; a projected one is nobody's. */
  private double[] stateOf(int p, int u) {
    double[] state = new double[states.length];
    for (int s = projected ? 1 : 0; s < state.length; s++) {
      state[s] = states[s][p * units + u];
    }
    return state;
  }

  /** The states after the last step, {@code [state][batch·width]}. */
  double[][] finalState() {
    double[][] last = window(states.length, batch);
    for (int s = 0; s < last.length; s++) {
      System.arraycopy(states[s], states[s].length - last[s].length, last[s], 0, last[s].length);
    }
    return last;
  }

  /**
   * Gradient by the input {@code [position, input]} of the window that ran last.
   *
   * @param dOutput {@code [position, column]}
   * @param dState in: gradient by the final state; out: by the initial one
   * @param dw gradients are added
   */
  double[] backward(double[] w, double[] dOutput, double[][] dState, double[] dw) {
    double[] dx = new double[gates.length * input];
    dHidden = new double[gates.length * outputs];
    dCell = new double[states.length > 1 ? gates.length * units : 0];
    for (int p = gates.length - 1; p >= 0; p--) {
      int b = p % batch;
      if (states.length > 1) {
        System.arraycopy(dState[1], b * units, dCell, p * units, units);
      }
      double[] dPrevious = new double[outputs];
      double[] dNew = new double[outputs];
      for (int j = 0; j < outputs; j++) {
        int i = p * outputs + j;
        double d = dState[0][b * outputs + j] + dOutput[i];
        dHidden[i] = d;
        dPrevious[j] = (1 - update(0, i)) * d;
        dNew[j] = update(0, i) * d;
      }
      double[] dComputed = projected ? projectionBackward(w, p, dNew, dw) : dNew;
      double[] dComputedCell = new double[units];
      boolean byOutput = normalised && states.length > 1;
      if (byOutput) {
        dComputedCell = normalisedCellBackward(w, p, dComputed, dw);
      }
      for (int u = 0; u < units; u++) {
        double[] d = {byOutput ? 0 : dComputed[u], dComputedCell[u], byOutput ? dComputed[u] : 0};
        double direct = unitBackward(w, p, u, d, dState, dw);
        if (!projected) {
          dPrevious[u] += direct;
        }
      }
      if (cell instanceof ReferenceCell.Gating gating) {
        gateBackward(gating, w, p, dPrevious, dw);
      }
      double[][] dInput = sumGradients(w, p, Source.INPUT, dw);
      double[][] dRecurrent = sumGradients(w, p, Source.HIDDEN, dw);
      for (int u = 0; u < units; u++) {
        for (int s = 0; s < slots.size(); s++) {
          addBias(slots.get(s), u, gates[p][u][s], dw);
          addInputProducts(w, slots.get(s), p, u, dInput[u][s], dx, dw);
          addHiddenProducts(w, slots.get(s), p, u, dRecurrent[u][s], dPrevious, dw);
        }
      }
      System.arraycopy(dPrevious, 0, dState[0], b * outputs, outputs);
    }
    return dx;
  }

  /** From the gradient by the projected state of a position to that by what is projected. */
  private double[] projectionBackward(double[] w, int p, double[] dNew, double[] dw) {
    double[] d = new double[units];
    for (int j = 0; j < outputs; j++) {
      for (int u = 0; u < units; u++) {
        dw[projection + j * units + u] += dNew[j] * unprojected[p * units + u];
        d[u] += dNew[j] * w[projection + j * units + u];
      }
    }
    return d;
  }

  /**
   * A unit's gates and its other states; what reaches its hidden state before the step directly.
   *
   * @param d gradients by the hidden state that the cell computes, by its cell state but for those
   *     by way of later steps, by its output gate
   */
  private double unitBackward(
      double[] w, int p, int u, double[] d, double[][] dState, double[] dw) {
    int b = p % batch;
    double[] state = new double[states.length];
    state[0] = projected ? unprojected[p * units + u] : computed[0][p * units + u];
    for (int s = 1; s < states.length; s++) {
      d[s] += update(s, p * units + u) * dState[s][b * units + u];
      state[s] = computed[s][p * units + u];
    }
    double[] dPeepholes = new double[peepholeCount];
    cell.backward(gates[p][u], peepholesOf(w, u), dPeepholes, stateOf(p, u), state, d);
    for (int k = 0; k < peepholeCount; k++) {
      dw[peepholes + k * units + u] += dPeepholes[k];
    }
    for (int s = 1; s < states.length; s++) {
      double past = (1 - update(s, p * units + u)) * dState[s][b * units + u];
      dState[s][b * units + u] = d[s] + past;
    }
    return d[0];
  }

  /**
   * After {@link #backward}: gradient by the hidden state after each step, {@code [position,
   * column]}, by way of the output and of all later steps.
   */
  double[] dHidden() {
    return dHidden;
  }

  /** The same by its cell state, by way of later steps alone. Not a copy. */
  double[] dCell() {
    return dCell;
  }

  private void addBias(Slot slot, int u, double dz, double[] dw) {
    int row = slot.gate() * units + u;
    dw[biasIh + row] += slot.seesInput() ? dz : 0;
    dw[biasHh + row] += slot.isRecurrent() ? dz : 0;
  }

  private void addInputProducts(
      double[] w, Slot slot, int p, int u, double d, double[] dx, double[] dw) {
    int row = slot.gate() * units + u;
    for (int k = 0; slot.seesInput() && k < input; k++) {
      dw[weightIh + row * input + k] += d * inputAt(p, k);
      dx[p * input + k] += d * w[weightIh + row * input + k];
    }
  }

  private void addHiddenProducts(
      double[] w, Slot slot, int p, int u, double d, double[] dPrevious, double[] dw) {
    int row = slot.gate() * units + u;
    for (int k = 0; slot.seesHidden() && k < outputs; k++) {
      dw[weightHh + row * outputs + k] += d * states[0][p * outputs + k];
      dPrevious[k] += d * w[weightHh + row * outputs + k];
    }
  }
}
