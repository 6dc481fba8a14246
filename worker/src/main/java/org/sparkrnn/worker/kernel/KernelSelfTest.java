package org.sparkrnn.worker.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;
import org.sparkrnn.worker.random.PhiloxKey;

/**
 * A few milliseconds of every kind of cell and of the softmax, with odd sizes, on two kernels: they
 * must agree to the bit. Catches a library that was built wrongly or a processor that computes
 * wrongly before a training does.
 */
final class KernelSelfTest {
  private static final int TIME = 3;
  private static final int BATCH = 5;
  private static final int INPUT = 19;
  private static final int HIDDEN = 21;
  private static final int PROJECTED = 18;
  private static final int POSITIONS = TIME * BATCH;

  private KernelSelfTest() {}

  /** A form of a cell's layer. */
  private record Form(int output, boolean normalised, Zoneout zoneout) {}

  private static List<Form> forms(CellKind cell) {
    Zoneout zoneout = new Zoneout(0.3f, cell.hasCellState() ? 0.4f : 0f);
    List<Form> forms = new ArrayList<>();
    forms.add(new Form(HIDDEN, false, Zoneout.NONE));
    forms.add(new Form(HIDDEN, true, Zoneout.NONE));
    forms.add(new Form(HIDDEN, false, zoneout));
    if (cell.isProjectable()) {
      forms.add(new Form(PROJECTED, false, Zoneout.NONE));
    }
    return forms;
  }

  /** What the kernels disagree about; empty if about nothing. */
  static Optional<String> firstDifference(Kernel kernel, Kernel expected) {
    for (CellKind cell : CellKind.values()) {
      for (Form form : forms(cell)) {
        Optional<String> difference = firstDifference(kernel, expected, cell, form);
        if (difference.isPresent()) {
          return difference;
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<String> firstDifference(
      Kernel kernel, Kernel expected, CellKind cell, Form form) {
    List<Result> actual = run(kernel, cell, form);
    List<Result> right = run(expected, cell, form);
    for (int i = 0; i < actual.size(); i++) {
      int at = Arrays.mismatch(actual.get(i).values(), right.get(i).values());
      if (at >= 0) {
        return Optional.of(
            "%s of %s differs from the %s kernel at element %d: %s, expected %s"
                .formatted(
                    actual.get(i).name(),
                    cell,
                    expected.name(),
                    at,
                    actual.get(i).values()[at],
                    right.get(i).values()[at]));
      }
    }
    return Optional.empty();
  }

  @SuppressWarnings("ArrayRecordComponent") // local, never compared as a record
  private record Result(String name, float[] values) {}

  private static List<Result> run(Kernel kernel, CellKind cell, Form form) {
    int output = form.output();
    LayerShape shape =
        new LayerShape(
            cell,
            TIME,
            BATCH,
            INPUT,
            HIDDEN,
            output,
            false,
            form.normalised(),
            true,
            form.zoneout());
    int layerFloats = Math.toIntExact(shape.parameters());
    int headFloats = INPUT * (output + 1);
    ArenaPlan plan = new ArenaPlan();
    Region parameters = plan.region("parameters", layerFloats + headFloats);
    Region gradients = plan.region("gradients", layerFloats + headFloats);
    Region x = plan.padded("x", POSITIONS, INPUT);
    Region dx = plan.padded("dx", POSITIONS, INPUT);
    RecurrentLayer.Plan layerPlan = RecurrentLayer.plan(plan, kernel, "layer", shape);
    Region statistics = plan.region("statistics", (long) POSITIONS * SoftmaxHead.STATISTICS);
    Region packed =
        plan.region("head.packed", kernel.softmaxFloats(POSITIONS, output, INPUT, true));
    try (Arena arena = kernel.allocate(plan)) {
      Matrix weights = parameters.vector(arena);
      Matrix inputs = x.padded(arena, POSITIONS, INPUT);
      fill(weights, 0.3f);
      fill(inputs, 1f);
      RecurrentLayer layer =
          layerPlan.bind(
              arena,
              RecurrentParameters.of(weights, 0, shape),
              RecurrentParameters.of(gradients.vector(arena), 0, shape),
              inputs,
              dx.padded(arena, POSITIONS, INPUT));
      SoftmaxHead head =
          new SoftmaxHead(
              POSITIONS,
              parameters.dense(arena, layerFloats, INPUT, output),
              parameters.dense(arena, layerFloats + INPUT * output, 1, INPUT),
              gradients.dense(arena, layerFloats, INPUT, output),
              gradients.dense(arena, layerFloats + INPUT * output, 1, INPUT),
              layer.output(TIME),
              layer.dHiddenSequence(),
              statistics.dense(arena, 0, POSITIONS, SoftmaxHead.STATISTICS),
              packed);
      step(kernel, layer, head);
      kernel.update(
          weights,
          gradients.vector(arena),
          List.of(),
          new UpdateRule.Sgd(0.1f),
          new GradientTransform(0.5f, 0.1f, 0f, 0f));
      List<Result> results = new ArrayList<>();
      results.add(new Result("output", layer.output(TIME).toArray()));
      results.add(new Result("softmax", head.statistics().toArray()));
      results.add(new Result("gradient of the input", layer.dx().toArray()));
      results.add(new Result("gradient of the parameters", gradients.vector(arena).toArray()));
      results.add(new Result("update", weights.toArray()));
      return results;
    }
  }

  private static void step(Kernel kernel, RecurrentLayer layer, SoftmaxHead head) {
    int[] labels = new int[POSITIONS];
    for (int p = 0; p < POSITIONS; p++) {
      labels[p] = p * 7 % INPUT;
    }
    int[] tokens = new int[0];
    kernel.pack(layer);
    kernel.packOutput(head);
    choose(kernel, layer.zoneout().hiddenUpdates(), layer.outputUnits(), 0);
    choose(kernel, layer.zoneout().cellUpdates(), layer.hiddenUnits(), 1);
    kernel.forward(layer, TIME, tokens);
    kernel.softmaxLoss(head, POSITIONS, labels, 1f / POSITIONS, true);
    kernel.backward(layer, TIME, tokens);
  }

  private static void choose(Kernel kernel, Matrix updates, int units, int state) {
    if (!updates.isAbsent()) {
      kernel.choose(updates, TIME, units, 0.3f, PhiloxKey.zoneout(1, 2, 3, 0, 0, state));
    }
  }

  /** Values without a pattern, in ±range; the same for every kernel. */
  private static void fill(Matrix matrix, float range) {
    float[] values = new float[Math.toIntExact(matrix.size())];
    int state = 1;
    for (int i = 0; i < values.length; i++) {
      state = state * 1664525 + 1013904223;
      values[i] = range * (state >> 8) * 0x1p-23f;
    }
    matrix.write(values, 0);
  }
}
