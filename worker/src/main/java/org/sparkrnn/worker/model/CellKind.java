package org.sparkrnn.worker.model;

import java.util.List;

/**
 * The table of recurrent cells: what a layout, a reference and a kernel must agree upon.
 *
 * <p>Gates are the row blocks of the weights, in PyTorch's order. Slots are what a kernel keeps per
 * unit and time step for the backward pass; the GRU's extra one is the recurrent part of n, which
 * the reset gate multiplies. States are carried from step to step and from window to window.
 */
@SuppressWarnings("ImmutableEnumChecker") // List.of is immutable
public enum CellKind {
  /** Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000). */
  LSTM(List.of("i", "f", "g", "o"), List.of("i", "f", "g", "o"), List.of("hidden", "cell")),
  /** Gated recurrent unit (Cho et al. 2014), reset gate after the recurrent product. */
  GRU(List.of("r", "z", "n"), List.of("n", "r", "z", "nRecurrent"), List.of("hidden"));

  private final List<String> gates;
  private final List<String> slots;
  private final List<String> states;

  CellKind(List<String> gates, List<String> slots, List<String> states) {
    this.gates = gates;
    this.slots = slots;
    this.states = states;
  }

  /** Row blocks of the weights and biases. */
  public List<String> gates() {
    return gates;
  }

  /** What the kernel stores of each unit and step. */
  public List<String> slots() {
    return slots;
  }

  /** What is carried to the next step; the first is the layer's output. */
  public List<String> states() {
    return states;
  }
}
