package org.sparkrnn.worker.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparkrnn.worker.kernel.LayerFixture.shape;
import static org.sparkrnn.worker.kernel.SameBits.assertSame;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkrnn.common.config.KernelConfig.Precision;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.config.TaskConfig.Bidirectional;
import org.sparkrnn.common.config.TaskConfig.Pooling;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;
import org.sparkrnn.worker.model.LanguageModel.Masks;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.reference.DropoutFactors;
import org.sparkrnn.worker.reference.ReferenceSequenceModel;
import org.sparkrnn.worker.sequences.SampleSequences;
import org.sparkrnn.worker.sequences.SequenceBatch;
import org.sparkrnn.worker.sequences.SequenceModel;

/**
 * The part of {@link KernelContract} for sequences: operations on rows and the squared error to the
 * bit, and whole models of padded batches against one sequence at a time.
 */
abstract class SequenceKernelContract extends KernelAccuracyContract {
  private static final long SEQUENCE_SEED = 29;
  private static final int SEQUENCE_STREAMS = 4;
  private static final int[] LENGTHS = {5, 1, 3};

  @Test
  void rowsAreMovedIntoColumns() {
    int[] rows = {2, -1, 0, 2};
    for (int columns : new int[] {1, 5, 16, 33}) {
      ArenaPlan plan = new ArenaPlan();
      Region from = plan.padded("from", 3, columns + 2);
      Region to = plan.padded("to", 5, columns + 1);
      try (Arena arena = kernel().allocate(plan)) {
        Matrix source = from.padded(arena, 3, columns + 2);
        Matrix target = to.padded(arena, 5, columns + 1);
        LayerFixture.randomise(source, new SplittableRandom(5), 1f);
        LayerFixture.randomise(target, new SplittableRandom(6), 1f);
        float[] values = source.toArray();
        for (boolean add : new boolean[] {false, true}) {
          float[] expected = target.toArray();
          for (int i = 0; i < rows.length; i++) {
            for (int j = 0; j < columns; j++) {
              float moved = rows[i] < 0 ? 0f : values[rows[i] * (columns + 2) + 2 + j];
              int at = i * (columns + 1) + 1 + j;
              expected[at] =
                  add && rows[i] >= 0 ? expected[at] + moved : add ? expected[at] : moved;
            }
          }
          kernel().moveRows(source, 2, rows, 4, target, 1, columns, add);
          assertSame("moved, add " + add, target.toArray(), expected);
        }
        assertThatThrownBy(() -> kernel().moveRows(source, 3, rows, 4, target, 1, columns, false))
            .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(
                () -> kernel().moveRows(source, 0, new int[] {3}, 1, target, 0, 1, false))
            .hasMessageContaining("row 3");
      }
    }
  }

  @Test
  void statesArePooledOverTheStepsOfEachStream() {
    int time = 4;
    int[] lengths = {4, 0, 1, 3, 2};
    for (int units : new int[] {1, 16, 19}) {
      for (boolean largest : new boolean[] {false, true}) {
        checkPool(time, lengths, units, largest);
      }
    }
  }

  private void checkPool(int time, int[] lengths, int units, boolean largest) {
    int streams = lengths.length;
    ArenaPlan plan = new ArenaPlan();
    Region statesRegion = plan.padded("states", time * streams, units);
    Region dStatesRegion = plan.padded("dStates", time * streams, units);
    Region pooledRegion = plan.padded("pooled", streams, units);
    Region dPooledRegion = plan.padded("dPooled", streams, units);
    try (Arena arena = kernel().allocate(plan)) {
      Matrix states = statesRegion.padded(arena, time * streams, units);
      Matrix dStates = dStatesRegion.padded(arena, time * streams, units);
      Matrix pooled = pooledRegion.padded(arena, streams, units);
      Matrix dPooled = dPooledRegion.padded(arena, streams, units);
      LayerFixture.randomise(states, new SplittableRandom(7), 1f);
      LayerFixture.randomise(dPooled, new SplittableRandom(8), 1f);
      float[] h = states.toArray();
      h[3 * units] = h[(2 * streams + 3) * units]; // equal values of stream 3
      states.write(h, 0);
      float[] d = dPooled.toArray();
      float[] expected = new float[streams * units];
      float[] gradient = new float[h.length];
      for (int i = 0; i < expected.length; i++) {
        int b = i / units;
        int first = 0;
        for (int t = 0; t < lengths[b]; t++) {
          float value = h[t * streams * units + i];
          expected[i] = largest && t > 0 ? Math.max(expected[i], value) : expected[i] + value;
          first = value > h[first * streams * units + i] ? t : first;
        }
        expected[i] = largest || lengths[b] == 0 ? expected[i] : expected[i] / lengths[b];
        for (int t = 0; t < lengths[b]; t++) {
          gradient[t * streams * units + i] = !largest ? d[i] / lengths[b] : t == first ? d[i] : 0f;
        }
      }
      kernel().pool(states, lengths, largest, pooled);
      assertSame("pooled, largest " + largest, pooled.toArray(), expected);
      kernel().poolGradient(states, time, lengths, largest, pooled, dPooled, dStates);
      assertSame("gradient, largest " + largest, dStates.toArray(), gradient);
    }
  }

  @Test
  void squaredErrorEqualsTheOracleInEveryShape() {
    for (int outputs : new int[] {1, 7, 16, 40, 300}) {
      for (int positions : new int[] {1, 33, 70}) {
        try (SoftmaxFixture fixture =
            new SoftmaxFixture(kernel(), precision(), positions, 9, outputs)) {
          fixture.fill(1f);
          fixture.checkSquared(positions);
        }
      }
    }
  }

  /** A stream that ends early, beside longer ones, gives the bits that it gives without padding. */
  @ParameterizedTest
  @EnumSource
  void paddingBehindChangesNoBit(CellKind cell) {
    for (int hidden : new int[] {7, 16, 33}) {
      checkPadding(shape(cell, 5, 3, 9, hidden, false));
      if (cell.isProjectable()) {
        checkPadding(shape(cell, 5, 3, 9, hidden, 6, false, Zoneout.NONE));
      }
    }
  }

  private void checkPadding(LayerShape shape) {
    CellKind cell = shape.cell();
    int time = shape.time();
    int length = 2;
    LayerShape shorter =
        shape(cell, length, 3, 9, shape.hidden(), shape.output(), false, Zoneout.NONE);
    try (LayerFixture padded = new LayerFixture(kernel(), shape);
        LayerFixture alone = new LayerFixture(kernel(), shorter)) {
      padded.fill(new SplittableRandom(SEQUENCE_SEED));
      alone.fill(new SplittableRandom(SEQUENCE_SEED));
      RecurrentLayer layer = padded.layer;
      int rows = length * 3;
      alone.layer.x().write(layer.x().rows(0, rows).toArray(), 0);
      alone.layer.hidden().rows(0, 3).write(layer.hidden().rows(0, 3).toArray(), 0);
      if (cell.hasCellState()) {
        alone.layer.cellState().rows(0, 3).write(layer.cellState().rows(0, 3).toArray(), 0);
      }
      alone.layer.dHiddenSequence().write(layer.dHiddenSequence().rows(0, rows).toArray(), 0);
      layer.dHiddenSequence().rows(rows, (time - length) * 3).zero();
      for (RecurrentLayer each : new RecurrentLayer[] {layer, alone.layer}) {
        each.dHidden().zero();
        each.dCell().zero();
        kernel().pack(each);
      }
      kernel().forward(layer, time, new int[0]);
      kernel().forward(alone.layer, length, new int[0]);
      assertSame("output", layer.output(length).toArray(), alone.layer.output(length).toArray());
      kernel().backward(layer, time, new int[0]);
      kernel().backward(alone.layer, length, new int[0]);
      assertSame(
          "dx", layer.dx().rows(0, rows).toArray(), alone.layer.dx().rows(0, rows).toArray());
      Matrix[] gradients = LayerFixture.matrices(layer.gradients());
      Matrix[] expected = LayerFixture.matrices(alone.layer.gradients());
      for (int i = 0; i < gradients.length; i++) {
        assertSame("parameters " + i, gradients[i].toArray(), expected[i].toArray());
      }
    }
  }

  static Stream<Arguments> sequenceModels() {
    Stream.Builder<Arguments> models = Stream.builder();
    for (CellKind cell : CellKind.values()) {
      for (Bidirectional directions : Bidirectional.values()) {
        for (Pooling pooling : Pooling.values()) {
          models.add(
              Arguments.of(
                  cell, 2, Task.CLASSIFICATION, directions, pooling, Input.EMBEDDING, 0.3f));
          models.add(
              Arguments.of(cell, 1, Task.REGRESSION, directions, pooling, Input.ONE_HOT, 0f));
        }
        models.add(
            Arguments.of(cell, 2, Task.TAGGING, directions, Pooling.LAST, Input.ONE_HOT, 0.3f));
      }
    }
    return models.build();
  }

  /** Tolerance: as in {@link KernelAccuracyContract}. */
  @ParameterizedTest(name = "{0}, {1} layers, {2}, {3}, {4}, {5}, dropout {6}")
  @MethodSource("sequenceModels")
  void paddedBatchIsCloseToSequencesAlone(
      CellKind cell,
      int layers,
      Task task,
      Bidirectional directions,
      Pooling pooling,
      Input input,
      float dropout)
      throws IOException {
    Zoneout zoneout = new Zoneout(dropout / 3, cell.hasCellState() ? dropout / 2 : 0);
    ModelSpec spec =
        SampleSequences.spec(cell, layers, task, directions, pooling, input, dropout, zoneout);
    checkPaddedBatch(spec);
  }

  static Stream<Arguments> projectedSequenceModels() {
    return Stream.of(CellKind.LSTM, CellKind.LSTM_PEEPHOLE)
        .flatMap(
            cell ->
                Stream.of(Bidirectional.values())
                    .flatMap(
                        directions ->
                            Stream.of(
                                Arguments.of(cell, Task.CLASSIFICATION, directions, Pooling.LAST),
                                Arguments.of(cell, Task.REGRESSION, directions, Pooling.MEAN),
                                Arguments.of(cell, Task.TAGGING, directions, Pooling.LAST))));
  }

  @ParameterizedTest
  @MethodSource("projectedSequenceModels")
  void paddedBatchThroughProjectedLayersIsCloseToSequencesAlone(
      CellKind cell, Task task, Bidirectional directions, Pooling pooling) throws IOException {
    Zoneout zoneout = new Zoneout(0.1f, 0.2f);
    ModelSpec spec =
        SampleSequences.spec(cell, 2, task, directions, pooling, Input.EMBEDDING, 0.3f, zoneout);
    checkPaddedBatch(spec.withProjection(List.of(3, 3)));
  }

  @ParameterizedTest
  @EnumSource(names = {"LSTM", "GRU"})
  void paddedBatchThroughNormalisedLayersIsCloseToSequencesAlone(CellKind cell) throws IOException {
    Zoneout zoneout = new Zoneout(0.1f, 0);
    Task task = cell == CellKind.LSTM ? Task.CLASSIFICATION : Task.TAGGING;
    ModelSpec spec =
        SampleSequences.spec(
            cell, 2, task, Bidirectional.CONCAT, Pooling.LAST, Input.EMBEDDING, 0.3f, zoneout);
    checkPaddedBatch(spec.withNormalisation());
  }

  static Stream<ModelSpec> specialSequenceModels() {
    return Stream.of(CellKind.LSTM, CellKind.GRU).flatMap(SampleSequences::special);
  }

  @ParameterizedTest
  @MethodSource("specialSequenceModels")
  void paddedBatchThroughSpecialLayersIsCloseToSequencesAlone(ModelSpec spec) throws IOException {
    checkPaddedBatch(spec);
  }

  private void checkPaddedBatch(ModelSpec spec) throws IOException {
    CellKind cell = spec.cell();
    Pooling pooling = spec.task().pooling();
    SampleSequences sequences = new SampleSequences(spec, SEQUENCE_SEED, LENGTHS);
    SplittableRandom random = new SplittableRandom(SEQUENCE_SEED);
    double[] w =
        random.doubles(spec.layout().size(), -0.5, 0.5).map(value -> (float) value).toArray();
    SequenceBatch batch = new SequenceBatch(spec, SEQUENCE_STREAMS, 6);
    batch.fill(sequences, new long[] {0, 1, 2}, LENGTHS.length, true);
    double[] kept = DropoutFactors.ofWeights(spec, new Masks(SEQUENCE_SEED, 2, 0));
    ReferenceSequenceModel reference =
        new ReferenceSequenceModel(spec, DropoutFactors.product(w, kept));
    double[] gradients = new double[w.length];
    double expected = 0;
    for (int b = 0; b < LENGTHS.length; b++) {
      reference.zoneout(
          DropoutFactors.ofZoneout(
              spec, LENGTHS[b], SEQUENCE_STREAMS, b, new Masks(SEQUENCE_SEED, 2, 0)));
      expected +=
          reference.loss(
              sequences.sequence(b),
              DropoutFactors.ofSequence(
                  spec,
                  sequences.sequence(b).tokens(),
                  LENGTHS[b],
                  SEQUENCE_STREAMS,
                  b,
                  new Masks(SEQUENCE_SEED, 2, 0)));
      reference.addGradients(0.25, gradients);
    }
    gradients = DropoutFactors.product(gradients, kept);
    float[] parameters = new float[w.length];
    for (int i = 0; i < w.length; i++) {
      parameters[i] = (float) w[i];
    }
    try (SequenceModel model = SequenceModel.forTraining(spec, kernel(), SEQUENCE_STREAMS, 6, 0)) {
      model.setParameters(parameters);
      SampleSequences others = new SampleSequences(spec, 1, 6, 6, 6, 6);
      SequenceBatch before = new SequenceBatch(spec, SEQUENCE_STREAMS, 6);
      before.fill(others, new long[] {0, 1, 2, 3}, 4, true);
      model.train(before, 1f, new Masks(SEQUENCE_SEED, 1, 0)); // leaves its values everywhere
      model.clearTouchedRows();
      double loss = model.train(batch, 0.25f, new Masks(SEQUENCE_SEED, 2, 0));
      // Layers of four units: roundings of bfloat16 hardly average (8.5 · 2⁻⁸ was measured).
      double few = precision() == Precision.FLOAT32 ? 1 : 1.5;
      double bound = few * bound(spec, spec.outputSize());
      assertThat(Math.abs(loss - expected) / expected).isLessThan(bound);
      if (pooling == Pooling.MAX && precision() != Precision.FLOAT32) {
        return; // rounded states have another largest step, which then takes the gradient
      }
      float[] actual = model.gradients().toArray();
      for (ParameterBlock block : spec.layout().blocks()) {
        if (spec.frozenEmbedding() && block.name().equals(ModelSpec.EMBEDDING_WEIGHT)) {
          assertThat(model.dEmbedding().isAbsent()).isTrue();
          continue;
        }
        double largest = 0;
        double deviation = 0;
        for (int i = block.offset(); i < block.offset() + block.size(); i++) {
          largest = Math.max(largest, Math.abs(gradients[i]));
          deviation = Math.max(deviation, Math.abs(gradients[i] - actual[i]));
        }
        if (pooling != Pooling.MAX && cell != CellKind.RNN_RELU) { // whose gradients may be zero
          assertThat(largest).as(block.name()).isPositive();
        }
        assertThat(deviation / Math.max(largest, 1e-3)).as(block.name()).isLessThan(bound);
      }
    }
  }

  /** Losses and outputs of a sequence have the same bits in any batch. */
  @Test
  void aSequenceHasTheSameBitsInEveryBatch() throws IOException {
    for (Task task : new Task[] {Task.CLASSIFICATION, Task.TAGGING, Task.REGRESSION}) {
      for (Pooling pooling : Pooling.values()) {
        ModelSpec spec =
            SampleSequences.spec(
                CellKind.LSTM,
                2,
                task,
                Bidirectional.CONCAT,
                pooling,
                Input.EMBEDDING,
                0.3f,
                new Zoneout(0.1f, 0.2f));
        SampleSequences sequences = new SampleSequences(spec, 3, 2, 6, 4, 1);
        float[] parameters = new float[spec.layout().size()];
        SplittableRandom random = new SplittableRandom(4);
        for (int i = 0; i < parameters.length; i++) {
          parameters[i] = (float) random.nextDouble() - 0.5f;
        }
        float[] together = outputs(spec, parameters, sequences, 4, 0, 1, 2, 3);
        float[] apart = new float[0];
        for (int s = 0; s < 4; s++) {
          float[] alone = outputs(spec, parameters, sequences, 1, s);
          apart = Arrays.copyOf(apart, apart.length + alone.length);
          System.arraycopy(alone, 0, apart, apart.length - alone.length, alone.length);
        }
        assertSame(task + " " + pooling, together, apart);
      }
    }
  }

  /** In the order of the sequences, their steps in turn. */
  private float[] outputs(
      ModelSpec spec, float[] parameters, SampleSequences source, int streams, long... numbers)
      throws IOException {
    SequenceBatch batch = new SequenceBatch(spec, streams, 6);
    batch.fill(source, numbers, numbers.length, true);
    try (SequenceModel model = SequenceModel.forEvaluation(spec, kernel(), streams, 6)) {
      model.setParameters(parameters);
      model.evaluate(batch);
      float[] values = new float[batch.predictions() * spec.outputs()];
      model.outputs(batch.predictions(), values);
      if (spec.task().task() != Task.TAGGING) {
        return values;
      }
      float[] ordered = new float[values.length];
      int to = 0;
      for (int b = 0; b < batch.count(); b++) {
        for (int t = 0; t < batch.lengths()[b]; t++, to += spec.outputs()) {
          int from = batch.featureOf()[t * streams + b] * spec.outputs();
          System.arraycopy(values, from, ordered, to, spec.outputs());
        }
      }
      return ordered;
    }
  }
}
