package org.sparkrnn.worker.reference;

import java.util.List;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.CellKind.Slot;
import org.sparkrnn.worker.kernel.Zoneout;

/**
 * A recurrent layer over a window, in double. Position {@code step·batch + stream}; arrays are
 * {@code [position, unit]}; of the hidden state, where it is projected, {@code [position, column]}.
 */
final class ReferenceLayer {
  private final ReferenceCell cell;
  private final List<Slot> slots;
  private final boolean gatedState;
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
    this.gatedState = kind.hasGatedState();
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
    gated = new double[gatedState ? time * batch * units : 0];
    unprojected = new double[projected ? time * batch * units : 0];
    for (int p = 0; p < time * batch; p++) {
      for (int u = 0; u < units; u++) {
        for (int s = 0; s < slots.size(); s++) {
          gates[p][u][s] = preActivation(w, slots.get(s), p, u);
        }
      }
      if (gatedState) {
        gate(w, p);
      }
      for (int u = 0; u < units; u++) {
        double[] state = new double[states.length];
        cell.forward(gates[p][u], peepholesOf(w, u), stateOf(p, u), state);
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

  private double preActivation(double[] w, Slot slot, int p, int u) {
    int row = slot.gate() * units + u;
    double z = 0;
    if (slot.seesInput()) {
      z += w[biasIh + row];
      for (int k = 0; k < input; k++) {
        z += inputAt(p, k) * w[weightIh + row * input + k];
      }
    }
    if (slot.isRecurrent()) {
      z += w[biasHh + row];
    }
    if (slot.seesHidden()) {
      for (int k = 0; k < outputs; k++) {
        z += states[0][p * outputs + k] * w[weightHh + row * outputs + k];
      }
    }
    return z;
  }

  private void gate(double[] w, int p) {
    for (int u = 0; u < units; u++) {
      gated[p * units + u] = cell.gate(gates[p][u], stateOf(p, u));
    }
    for (int s = 0; s < slots.size(); s++) {
      for (int u = 0; slots.get(s).seesGated() && u < units; u++) {
        int row = slots.get(s).gate() * units + u;
        for (int k = 0; k < units; k++) {
          gates[p][u][s] += gated[p * units + k] * w[weightHh + row * units + k];
        }
      }
    }
  }

  /**
   * Gradients by the gated hidden state: of its slots' weights, of its gate, of the state before.
   */
  private void gateBackward(double[] w, int p, double[] dPrevious, double[] dw) {
    double[] dGated = new double[units];
    for (int s = 0; s < slots.size(); s++) {
      for (int u = 0; slots.get(s).seesGated() && u < units; u++) {
        int row = slots.get(s).gate() * units + u;
        for (int k = 0; k < units; k++) {
          dw[weightHh + row * units + k] += gates[p][u][s] * gated[p * units + k];
          dGated[k] += gates[p][u][s] * w[weightHh + row * units + k];
        }
      }
    }
    for (int u = 0; u < units; u++) {
      dPrevious[u] += cell.gateBackward(gates[p][u], stateOf(p, u), dGated[u]);
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
    for (int p = gates.length - 1; p >= 0; p--) {
      int b = p % batch;
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
      for (int u = 0; u < units; u++) {
        double direct = unitBackward(w, p, u, dComputed[u], dState, dw);
        if (!projected) {
          dPrevious[u] += direct;
        }
      }
      if (gatedState) {
        gateBackward(w, p, dPrevious, dw);
      }
      for (int u = 0; u < units; u++) {
        for (int s = 0; s < slots.size(); s++) {
          addProducts(w, slots.get(s), p, u, gates[p][u][s], dx, dPrevious, dw);
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
   * @param dComputed gradient by what the cell computes
   */
  private double unitBackward(
      double[] w, int p, int u, double dComputed, double[][] dState, double[] dw) {
    int b = p % batch;
    double[] d = new double[states.length];
    double[] state = new double[states.length];
    d[0] = dComputed;
    state[0] = projected ? unprojected[p * units + u] : computed[0][p * units + u];
    for (int s = 1; s < d.length; s++) {
      d[s] = update(s, p * units + u) * dState[s][b * units + u];
      state[s] = computed[s][p * units + u];
    }
    double[] dPeepholes = new double[peepholeCount];
    cell.backward(gates[p][u], peepholesOf(w, u), dPeepholes, stateOf(p, u), state, d);
    for (int k = 0; k < peepholeCount; k++) {
      dw[peepholes + k * units + u] += dPeepholes[k];
    }
    for (int s = 1; s < d.length; s++) {
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

  private void addProducts(
      double[] w,
      Slot slot,
      int p,
      int u,
      double dz,
      double[] dx,
      double[] dPrevious,
      double[] dw) {
    int row = slot.gate() * units + u;
    if (slot.seesInput()) {
      dw[biasIh + row] += dz;
      for (int k = 0; k < input; k++) {
        dw[weightIh + row * input + k] += dz * inputAt(p, k);
        dx[p * input + k] += dz * w[weightIh + row * input + k];
      }
    }
    if (slot.isRecurrent()) {
      dw[biasHh + row] += dz;
    }
    if (slot.seesHidden()) {
      for (int k = 0; k < outputs; k++) {
        dw[weightHh + row * outputs + k] += dz * states[0][p * outputs + k];
        dPrevious[k] += dz * w[weightHh + row * outputs + k];
      }
    }
  }
}
