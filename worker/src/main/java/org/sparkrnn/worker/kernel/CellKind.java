package org.sparkrnn.worker.kernel;

import java.util.List;
import org.sparkrnn.worker.reference.ReferenceCell;
import org.sparkrnn.worker.reference.ReferenceCoupledLstmCell;
import org.sparkrnn.worker.reference.ReferenceGruCell;
import org.sparkrnn.worker.reference.ReferenceLstmCell;
import org.sparkrnn.worker.reference.ReferencePeepholeLstmCell;
import org.sparkrnn.worker.reference.ReferenceReluCell;
import org.sparkrnn.worker.reference.ReferenceResetBeforeGruCell;
import org.sparkrnn.worker.reference.ReferenceTanhCell;

/**
 * The table of recurrent cells. A row is one description that drives the layout of the parameters
 * and of the {@code gates} buffer, the kernels' products and the reference, and the cell's
 * elementwise part in Java, in float and in double. cells.h has the same rows in the same order.
 *
 * <p>A <em>gate</em> is a block of {@code hidden} rows of {@code weight_ih} and {@code weight_hh},
 * in PyTorch's order. A <em>slot</em> is one pre-activation per hidden unit, stored in {@code
 * gates}; it sees the input, the previous hidden state (or that times a gate), or both. A gate
 * whose two products must be kept apart has two slots.
 *
 * <p>The slots that see the input are adjacent, so are those that see the hidden state.
 */
@SuppressWarnings("ImmutableEnumChecker") // the lists are List.of, the cells have no state
public enum CellKind {
  /** Hochreiter and Schmidhuber 1997 with the forget gate of Gers, Schmidhuber and Cummins 2000. */
  LSTM(
      List.of("i", "f", "g", "o"),
      List.of(
          new Slot("i", 0, true, true),
          new Slot("f", 1, true, true),
          new Slot("g", 2, true, true),
          new Slot("o", 3, true, true)),
      2,
      0,
      false,
      new JavaLstmCell(),
      new ReferenceLstmCell()),
  /** Cho et al. 2014, the reset gate after the recurrent product (PyTorch, cuDNN). */
  GRU(
      List.of("r", "z", "n"),
      List.of(
          new Slot("n", 2, true, false),
          new Slot("r", 0, true, true),
          new Slot("z", 1, true, true),
          new Slot("nRecurrent", 2, false, true)),
      1,
      0,
      true,
      new JavaGruCell(),
      new ReferenceGruCell()),
  /** Elman 1990 (PyTorch's nn.RNN). */
  RNN_TANH(
      List.of("h"),
      List.of(new Slot("h", 0, true, true)),
      1,
      0,
      false,
      new JavaTanhCell(),
      new ReferenceTanhCell()),
  /** The same with a rectifier: Le, Jaitly and Hinton 2015. */
  RNN_RELU(
      List.of("h"),
      List.of(new Slot("h", 0, true, true)),
      1,
      0,
      false,
      new JavaReluCell(),
      new ReferenceReluCell()),
  /** An LSTM with {@code f = 1 − i}: Greff et al. 2017. */
  LSTM_COUPLED(
      List.of("i", "g", "o"),
      List.of(
          new Slot("i", 0, true, true), new Slot("g", 1, true, true), new Slot("o", 2, true, true)),
      2,
      0,
      false,
      new JavaCoupledLstmCell(),
      new ReferenceCoupledLstmCell()),
  /** Gers and Schmidhuber 2000: i and f see the cell before the step, o the one after it. */
  LSTM_PEEPHOLE(
      List.of("i", "f", "g", "o"),
      List.of(
          new Slot("i", 0, true, true),
          new Slot("f", 1, true, true),
          new Slot("g", 2, true, true),
          new Slot("o", 3, true, true)),
      2,
      3,
      false,
      new JavaPeepholeLstmCell(false),
      new ReferencePeepholeLstmCell(false)),
  /** The variant in which i, f and o see the cell before the step. */
  LSTM_PEEPHOLE_PREVIOUS(
      List.of("i", "f", "g", "o"),
      List.of(
          new Slot("i", 0, true, true),
          new Slot("f", 1, true, true),
          new Slot("g", 2, true, true),
          new Slot("o", 3, true, true)),
      2,
      3,
      false,
      new JavaPeepholeLstmCell(true),
      new ReferencePeepholeLstmCell(true)),
  /** Cho et al. 2014: the reset gate before the recurrent product; z is one minus PyTorch's. */
  GRU_RESET_BEFORE(
      List.of("r", "z", "n"),
      List.of(
          new Slot("r", 0, true, true),
          new Slot("z", 1, true, true),
          new Slot("n", 2, true, false, true)),
      1,
      0,
      true,
      new JavaResetBeforeGruCell(),
      new ReferenceResetBeforeGruCell());

  private final List<String> gates;
  private final List<Slot> slots;
  private final int states;
  private final int peepholes;
  private final boolean directPath;
  private final JavaCell java;
  private final ReferenceCell reference;

  CellKind(
      List<String> gates,
      List<Slot> slots,
      int states,
      int peepholes,
      boolean directPath,
      JavaCell java,
      ReferenceCell reference) {
    this.gates = gates;
    this.slots = slots;
    this.states = states;
    this.peepholes = peepholes;
    this.directPath = directPath;
    this.java = java;
    this.reference = reference;
  }

  /** Names of the gates, in the order of their rows in the weights. */
  public List<String> gates() {
    return gates;
  }

  /** The slots, in the order in which {@code gates} stores them. */
  public List<Slot> slots() {
    return slots;
  }

  /** State vectors carried from step to step: the hidden state, and a second one if there is. */
  public int states() {
    return states;
  }

  public boolean hasCellState() {
    return states == 2;
  }

  /**
   * Whether the hidden state may be projected to fewer columns: it reaches nothing but products.
   */
  public boolean isProjectable() {
    return hasCellState();
  }

  /** Diagonal weights from the cell state to gates, each of one element per hidden unit. */
  public int peepholes() {
    return peepholes;
  }

  /** Whether the hidden state reaches the next one past the recurrent product too. */
  boolean hasDirectPath() {
    return directPath;
  }

  /** Whether slots see the previous hidden state times a gate. */
  public boolean hasGatedState() {
    return slots.stream().anyMatch(Slot::seesGated);
  }

  /**
   * Slots of the same number are normalised together where a layer is normalised: all, but the
   * candidate of a GRU, the last gate, apart from its gates (Ba, Kiros and Hinton 2016).
   */
  public int normalisation(Slot slot) {
    return directPath && slot.gate() == gates.size() - 1 ? 1 : 0;
  }

  JavaCell java() {
    return java;
  }

  /** The elementwise part in double. */
  public ReferenceCell reference() {
    return reference;
  }

  /** Rows of {@code weight_ih} and {@code weight_hh}, elements of each bias. */
  public int rows(int hidden) {
    return Math.multiplyExact(gates.size(), hidden);
  }

  /** Floats of one position in {@code gates}: slots × units, units padded. */
  public int gateColumns(int hidden) {
    return Math.multiplyExact(slots.size(), Matrix.padded(hidden));
  }

  /** Column of a slot's unit in {@code gates}: blocks of 16 units, in each the slots in turn. */
  public int gateColumn(int slot, int unit) {
    int block = unit / Matrix.LANES;
    return (block * slots.size() + slot) * Matrix.LANES + unit % Matrix.LANES;
  }

  /**
   * One pre-activation per hidden unit.
   *
   * @param gate which block of rows of the weights it uses
   * @param seesGated whether it sees, instead of the previous hidden state, that state times a gate
   */
  public record Slot(
      String name, int gate, boolean seesInput, boolean seesHidden, boolean seesGated) {
    Slot(String name, int gate, boolean seesInput, boolean seesHidden) {
      this(name, gate, seesInput, seesHidden, false);
    }

    /** Whether it has a part of {@code weight_hh} and {@code bias_hh}. */
    public boolean isRecurrent() {
      return seesHidden || seesGated;
    }
  }
}
