package org.sparkrnn.worker.reference;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.config.TaskConfig.Bidirectional;
import org.sparkrnn.common.config.TaskConfig.Pooling;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.Zoneout;
import org.sparkrnn.worker.model.LanguageModel.Masks;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.reference.ReferenceSequenceModel.Sequence;
import org.sparkrnn.worker.sequences.SampleSequences;

/** Gradients of the double-precision model of sequences against central differences. */
class ReferenceSequenceModelTest {
  private static final double STEP = 1e-4; // small: the largest of the steps must stay the largest
  private static final double TOLERANCE = 1e-6;
  private static final long SEED = 23;

  /** Every task, direction, pooling and input, for tokens and numbers, on one and two layers. */
  static Stream<Arguments> cases() {
    Stream.Builder<Arguments> cases = Stream.builder();
    for (CellKind cell : CellKind.values()) {
      for (Bidirectional directions : Bidirectional.values()) {
        for (Pooling pooling : Pooling.values()) {
          cases.add(
              Arguments.of(cell, 2, Task.CLASSIFICATION, directions, pooling, Input.EMBEDDING));
          cases.add(Arguments.of(cell, 1, Task.REGRESSION, directions, pooling, Input.ONE_HOT));
        }
        cases.add(Arguments.of(cell, 2, Task.TAGGING, directions, Pooling.LAST, Input.ONE_HOT));
      }
    }
    return cases.build();
  }

  @ParameterizedTest(name = "{0}, {1} layers, {2}, {3}, {4}, {5}")
  @MethodSource("cases")
  void gradientsMatchFiniteDifferences(
      CellKind cell,
      int layers,
      Task task,
      Bidirectional directions,
      Pooling pooling,
      Input input) {
    Zoneout zoneout = new Zoneout(0.3f, cell.hasCellState() ? 0.2f : 0);
    ModelSpec spec =
        SampleSequences.spec(cell, layers, task, directions, pooling, input, 0.3f, zoneout);
    check(spec);
  }

  static Stream<Arguments> projectedCases() {
    return Stream.of(CellKind.values())
        .filter(CellKind::isProjectable)
        .flatMap(
            cell ->
                Stream.of(Bidirectional.values())
                    .flatMap(
                        directions ->
                            Stream.of(
                                Arguments.of(cell, Task.CLASSIFICATION, directions),
                                Arguments.of(cell, Task.TAGGING, directions))));
  }

  @ParameterizedTest
  @MethodSource("projectedCases")
  void gradientsOfProjectedLayersMatchFiniteDifferences(
      CellKind cell, Task task, Bidirectional directions) {
    Zoneout zoneout = new Zoneout(0.3f, 0.2f);
    ModelSpec spec =
        SampleSequences.spec(
            cell, 2, task, directions, Pooling.MEAN, Input.EMBEDDING, 0.3f, zoneout);
    check(spec.withProjection(List.of(3, 3)));
  }

  static Stream<ModelSpec> specialModels() {
    return Stream.of(CellKind.LSTM, CellKind.GRU).flatMap(SampleSequences::special);
  }

  @ParameterizedTest
  @MethodSource("specialModels")
  void gradientsOfSpecialModelsMatchFiniteDifferences(ModelSpec spec) {
    check(spec);
  }

  private static void check(ModelSpec spec) {
    CellKind cell = spec.cell();
    Pooling pooling = spec.task().pooling();
    SplittableRandom random = new SplittableRandom(SEED);
    double[] parameters = random.doubles(spec.layout().size(), -0.7, 0.7).toArray();
    Sequence sequence = new SampleSequences(spec, SEED, 7).sequence(0);
    double[][] masks = masks(spec, random, 7);
    ReferenceSequenceModel model = new ReferenceSequenceModel(spec, parameters);
    model.zoneout(DropoutFactors.ofZoneout(spec, 7, 1, 0, new Masks(SEED, 0, 0)));
    model.loss(sequence, masks);
    double[] gradients = new double[parameters.length];
    model.addGradients(0.5, gradients);
    for (ParameterBlock block : spec.layout().blocks()) {
      double largest = 0;
      double deviation = 0;
      for (int i = block.offset(); i < block.offset() + block.size(); i++) {
        double expected = 0.5 * derivative(model, parameters, i, sequence, masks);
        largest = Math.max(largest, Math.abs(expected));
        deviation = Math.max(deviation, Math.abs(expected - gradients[i]));
      }
      // The largest may all be those of the first step, and a rectifier may be zero.
      if (pooling != Pooling.MAX && cell != CellKind.RNN_RELU) {
        assertThat(largest).as(block.name()).isPositive();
      }
      assertThat(deviation / Math.max(largest, 1e-3))
          .as("%s, seed %d", block.name(), SEED)
          .isLessThan(TOLERANCE);
    }
  }

  /** Six points: see {@link ReferenceModelTest}. */
  private static double derivative(
      ReferenceSequenceModel model, double[] w, int i, Sequence sequence, double[][] masks) {
    double[] factors = {45, -9, 1};
    double value = w[i];
    double sum = 0;
    for (int step = 1; step <= 3; step++) {
      w[i] = value + step * STEP;
      double above = model.loss(sequence, masks);
      w[i] = value - step * STEP;
      sum += factors[step - 1] * (above - model.loss(sequence, masks));
    }
    w[i] = value;
    return sum / (60 * STEP);
  }

  private static double[][] masks(ModelSpec spec, SplittableRandom random, int steps) {
    double[][] masks = ReferenceSequenceModel.withoutDropout(spec);
    boolean tagging = spec.task().task() == Task.TAGGING;
    for (int place = 0; place < masks.length; place++) {
      boolean last = place == spec.layers();
      int columns = place == 0 ? spec.embedding() : spec.task().joined(spec.output(place - 1));
      masks[place] = new double[(last && !tagging ? 1 : steps) * columns];
      for (int i = 0; i < masks[place].length; i++) {
        boolean kept = random.nextDouble() >= 0.3 || i % columns == 0; // not all of a row
        masks[place][i] = kept ? 1 / 0.7 : 0;
      }
    }
    return masks;
  }
}
