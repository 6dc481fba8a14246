package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.Matrix.LANES;

import java.util.function.Predicate;
import org.sparkrnn.worker.kernel.CellKind.Slot;

/**
 * One of the things that pre-activations see, the input or the hidden state or the gated one, and
 * where its packed weights are. Its terms are the floats, in blocked order, of the slots that see
 * it.
 */
final class JavaSource {
  final CellKind cell;
  final int firstSlot;
  final int slots;
  final int terms;
  final int width;
  final int forward;
  final int backward;
  final boolean hasBackward;

  JavaSource(
      CellKind cell, Predicate<Slot> sees, int hidden, int width, int packed, boolean hasBackward) {
    this.cell = cell;
    this.firstSlot = first(cell, sees);
    this.slots = count(cell, sees);
    this.terms = slots * Matrix.padded(hidden);
    this.width = width;
    this.forward = packed;
    this.backward = packed + terms * width;
    this.hasBackward = hasBackward;
  }

  static long packedFloats(
      CellKind cell, Predicate<Slot> sees, int hidden, int width, boolean hasBackward) {
    long terms = (long) count(cell, sees) * Matrix.padded(hidden);
    return terms * width * (hasBackward ? 2 : 1);
  }

  private static int count(CellKind cell, Predicate<Slot> sees) {
    return (int) cell.slots().stream().filter(sees).count();
  }

  private static int first(CellKind cell, Predicate<Slot> sees) {
    int first = 0;
    while (first < cell.slots().size() && !sees.test(cell.slots().get(first))) {
      first++;
    }
    return first;
  }

  int end() {
    return forward + terms * width * (hasBackward ? 2 : 1);
  }

  Slot slot(int term) {
    return cell.slots().get(firstSlot + term / LANES % slots);
  }

  int unit(int term) {
    return term / (LANES * slots) * LANES + term % LANES;
  }

  /** Column in {@code gates}. */
  int gateColumn(int term) {
    int block = term / (LANES * slots);
    int inBlock = term % (LANES * slots);
    return (block * cell.slots().size() + firstSlot) * LANES + inBlock;
  }
}
