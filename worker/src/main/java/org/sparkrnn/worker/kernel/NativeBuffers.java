package org.sparkrnn.worker.kernel;

import java.util.IdentityHashMap;
import java.util.List;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;

/**
 * Sizes and addresses of the layers of an arena, as C takes them. A layer's are made at its first
 * call and kept as long as the arena, so that a step makes none.
 */
final class NativeBuffers {
  /** In the order of cells.h. */
  private static final List<CellKind> CELLS = List.of(CellKind.values());

  private final NativeArena arena;

  /** By the layer itself: comparing two would compare all their matrices. */
  private final IdentityHashMap<Object, long[]> descriptions = new IdentityHashMap<>();

  NativeBuffers(NativeArena arena) {
    this.arena = arena;
  }

  static long recurrentFloats(int variant, LayerShape shape) {
    return NativeCalls.recurrentFloats(
        variant,
        code(shape.cell()),
        shape.time(),
        shape.batch(),
        shape.input(),
        shape.hidden(),
        shape.output(),
        shape.oneHot(),
        shape.normalised(),
        shape.backward());
  }

  private static int code(CellKind cell) {
    return CELLS.indexOf(cell);
  }

  /** In the order of LAYER_… in jni_bridge.c. */
  long[] of(RecurrentLayer layer) {
    arena.requireOpen();
    long[] known = descriptions.get(layer);
    if (known == null) {
      known = describe(layer);
      descriptions.put(layer, known);
    }
    return known;
  }

  /** In the order of HEAD_… in jni_bridge.c. */
  long[] of(SoftmaxHead head) {
    arena.requireOpen();
    long[] known = descriptions.get(head);
    if (known == null) {
      known = describe(head);
      descriptions.put(head, known);
    }
    return known;
  }

  private long[] describe(RecurrentLayer layer) {
    RecurrentParameters parameters = layer.parameters();
    RecurrentParameters gradients = layer.gradients();
    ZoneoutBuffers zoneout = layer.zoneout();
    Zoneout rates = layer.shape().zoneout();
    long floats = recurrentFloats(arena.variant(), layer.shape());
    return new long[] {
      code(layer.cell()),
      layer.time(),
      layer.batch(),
      layer.input(),
      layer.hiddenUnits(),
      layer.outputUnits(),
      arena.address(parameters.inputWeights()),
      arena.address(parameters.recurrentWeights()),
      arena.address(parameters.inputBias()),
      arena.address(parameters.recurrentBias()),
      arena.address(parameters.peepholes()),
      arena.address(parameters.projection()),
      arena.address(parameters.inputGain()),
      arena.address(parameters.recurrentGain()),
      arena.address(parameters.cellGain()),
      arena.address(parameters.cellBias()),
      arena.address(gradients.inputWeights()),
      arena.address(gradients.recurrentWeights()),
      arena.address(gradients.inputBias()),
      arena.address(gradients.recurrentBias()),
      arena.address(gradients.peepholes()),
      arena.address(gradients.projection()),
      arena.address(gradients.inputGain()),
      arena.address(gradients.recurrentGain()),
      arena.address(gradients.cellGain()),
      arena.address(gradients.cellBias()),
      arena.address(layer.x()),
      arena.address(layer.hidden()),
      arena.address(layer.cellState()),
      arena.address(layer.gates()),
      address(layer.packed(), floats),
      arena.address(layer.dHiddenSequence()),
      arena.address(layer.dx()),
      arena.address(layer.dHidden()),
      arena.address(layer.dCell()),
      (long) Float.floatToRawIntBits(rates.hidden()) << 32 | Float.floatToRawIntBits(rates.cell()),
      arena.address(zoneout.hiddenUpdates()),
      arena.address(zoneout.cellUpdates()),
      arena.address(zoneout.newCells()),
      arena.address(zoneout.dPastCell())
    };
  }

  private long[] describe(SoftmaxHead head) {
    long floats =
        NativeCalls.softmaxFloats(
            arena.variant(),
            head.positions(),
            head.hiddenUnits(),
            head.vocabulary(),
            !head.dWeights().isAbsent());
    return new long[] {
      head.positions(),
      head.hiddenUnits(),
      head.vocabulary(),
      arena.address(head.weights()),
      arena.address(head.bias()),
      arena.address(head.hidden()),
      arena.address(head.statistics()),
      address(head.packed(), floats),
      arena.address(head.dWeights()),
      arena.address(head.dBias()),
      arena.address(head.dHidden())
    };
  }

  private long address(Region region, long floats) {
    if (region.floats() < floats || region.offset() > arena.floats() - region.floats()) {
      throw new IllegalArgumentException(
          "Cannot use region %s of %d floats: expected %d"
              .formatted(region.name(), region.floats(), floats));
    }
    return arena.address(region.offset());
  }
}
