package org.sparkrnn.worker.reference;

import java.util.List;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.CellKind.Slot;
import org.sparkrnn.worker.kernel.Zoneout;

/**
 * A recurrent layer over a window, in double. Position {@code step·batch + stream}; arrays are
 * {@code [position, unit]}.
 */
final class ReferenceLayer {
  private final ReferenceCell cell;
  private final List<Slot> slots;
  private final boolean gatedState;
  private final int batch;
  private final int input;
  private final int units;
  private final int weightIh;
  private final int weightHh;
  private final int biasIh;
  private final int biasHh;
  private final int peepholes;

  /** Of which each has an element per unit, in {@code weight_ph}. */
  private final int peepholeCount;

  /** {@code [state][(time + 1)·batch·units]}; the first batch is the state before the window. */
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
    this.units = layout.block("rnn.weight_hh_l" + name).columns();
    this.weightIh = layout.block("rnn.weight_ih_l" + name).offset();
    this.weightHh = layout.block("rnn.weight_hh_l" + name).offset();
    this.biasIh = layout.block("rnn.bias_ih_l" + name).offset();
    this.biasHh = layout.block("rnn.bias_hh_l" + name).offset();
    this.peepholeCount = kind.peepholes();
    this.peepholes = peepholeCount == 0 ? 0 : layout.block("rnn.weight_ph_l" + name).offset();
  }

  /**
   * The layer's output {@code [position, unit]}.
   *
   * @param initial {@code [state][batch·units]}
   * @param inputs {@code [position, input]}; empty for one-hot input
   * @param oneHot tokens; empty otherwise
   */
  double[] forward(double[] w, int time, double[][] initial, double[] inputs, int[] oneHot) {
    x = inputs;
    tokens = oneHot;
    states = new double[initial.length][(time + 1) * batch * units];
    for (int s = 0; s < initial.length; s++) {
      System.arraycopy(initial[s], 0, states[s], 0, batch * units);
    }
    computed = new double[initial.length][time * batch * units];
    gates = new double[time * batch][units][slots.size()];
    gated = new double[gatedState ? time * batch * units : 0];
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
        for (int s = 0; s < state.length; s++) {
          int i = p * units + u;
          computed[s][i] = state[s];
          states[s][i + batch * units] =
              update(s, i) * state[s] + (1 - update(s, i)) * states[s][i];
        }
      }
    }
    double[] output = new double[time * batch * units];
    System.arraycopy(states[0], batch * units, output, 0, output.length);
    return output;
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
      for (int k = 0; k < units; k++) {
        z += states[0][p * units + k] * w[weightHh + row * units + k];
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

  /** All states of a unit before position p. */
  private double[] stateOf(int p, int u) {
    double[] state = new double[states.length];
    for (int s = 0; s < state.length; s++) {
      state[s] = states[s][p * units + u];
    }
    return state;
  }

  /** The states after the last step, {@code [state][batch·units]}. */
  double[][] finalState() {
    double[][] last = new double[states.length][batch * units];
    for (int s = 0; s < last.length; s++) {
      System.arraycopy(states[s], states[s].length - batch * units, last[s], 0, batch * units);
    }
    return last;
  }

  /**
   * Gradient by the input {@code [position, input]} of the window that ran last.
   *
   * @param dOutput {@code [position, unit]}
   * @param dState in: gradient by the final state; out: by the initial one
   * @param dw gradients are added
   */
  double[] backward(double[] w, double[] dOutput, double[][] dState, double[] dw) {
    double[] dx = new double[gates.length * input];
    dHidden = new double[gates.length * units];
    for (int p = gates.length - 1; p >= 0; p--) {
      int b = p % batch;
      double[] dPrevious = new double[units];
      for (int u = 0; u < units; u++) {
        double[] d = new double[states.length];
        for (int s = 0; s < d.length; s++) {
          d[s] = dState[s][b * units + u];
        }
        d[0] += dOutput[p * units + u];
        dHidden[p * units + u] = d[0];
        double[] dPast = new double[states.length];
        double[] state = new double[states.length];
        for (int s = 0; s < d.length; s++) {
          dPast[s] = (1 - update(s, p * units + u)) * d[s];
          d[s] *= update(s, p * units + u);
          state[s] = computed[s][p * units + u];
        }
        double[] dPeepholes = new double[peepholeCount];
        cell.backward(gates[p][u], peepholesOf(w, u), dPeepholes, stateOf(p, u), state, d);
        for (int k = 0; k < peepholeCount; k++) {
          dw[peepholes + k * units + u] += dPeepholes[k];
        }
        dPrevious[u] += d[0] + dPast[0];
        for (int s = 1; s < d.length; s++) {
          dState[s][b * units + u] = d[s] + dPast[s];
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
      System.arraycopy(dPrevious, 0, dState[0], b * units, units);
    }
    return dx;
  }

  /**
   * After {@link #backward}: gradient by the hidden state after each step, {@code [position,
   * unit]}, by way of the output and of all later steps.
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
      for (int k = 0; k < units; k++) {
        dw[weightHh + row * units + k] += dz * states[0][p * units + k];
        dPrevious[k] += dz * w[weightHh + row * units + k];
      }
    }
  }
}
