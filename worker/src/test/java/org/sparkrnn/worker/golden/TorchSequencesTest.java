package org.sparkrnn.worker.golden;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
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
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.model.LanguageModel.Masks;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.reference.ReferenceSequenceModel;
import org.sparkrnn.worker.reference.ReferenceSequenceModel.Sequence;
import org.sparkrnn.worker.sequences.SampleSequences;
import org.sparkrnn.worker.sequences.SequenceBatch;
import org.sparkrnn.worker.sequences.SequenceModel;

/**
 * A padded batch against what PyTorch computes from packed sequences, in float32. Tolerance: as in
 * {@link TorchWindowTest}.
 */
class TorchSequencesTest {
  private static final double TOLERANCE = 1e-5;
  private static final int[] LENGTHS = {5, 1, 3};
  private static final List<CellKind> TORCH_CELLS =
      List.of(CellKind.LSTM, CellKind.GRU, CellKind.RNN_TANH, CellKind.RNN_RELU);

  static Stream<Arguments> batches() {
    Stream.Builder<Arguments> batches = Stream.builder();
    for (CellKind cell : TORCH_CELLS) {
      for (Bidirectional each : new Bidirectional[] {Bidirectional.NONE, Bidirectional.CONCAT}) {
        for (Task task : new Task[] {Task.CLASSIFICATION, Task.TAGGING, Task.REGRESSION}) {
          batches.add(Arguments.of(cell, 0, each, task));
          if (cell == CellKind.LSTM) {
            batches.add(Arguments.of(cell, 3, each, task));
          }
        }
      }
    }
    return batches.build();
  }

  @ParameterizedTest
  @MethodSource("batches")
  void modelAndReferenceEqualPyTorch(
      CellKind cell, int projection, Bidirectional directions, Task task) throws IOException {
    ModelSpec spec =
        SampleSequences.spec(cell, 2, task, directions, Pooling.LAST, Input.EMBEDDING, 0f)
            .withProjection(List.of(projection, projection));
    String file =
        "sequences-%s%s-%s-%s"
            .formatted(cell, projection > 0 ? "-projected" : "", directions, task)
            .toLowerCase(Locale.ROOT)
            .replace('_', '-');
    try (TorchGolden golden = new TorchGolden(file)) {
      SampleSequences sequences = new SampleSequences(spec, read(golden, task));
      float[] parameters = golden.vector("parameter.", spec.layout());
      ReferenceSequenceModel reference =
          new ReferenceSequenceModel(spec, TorchGolden.doubles(parameters));
      SequenceBatch batch = new SequenceBatch(spec, LENGTHS.length, 5);
      batch.fill(sequences, new long[] {0, 1, 2}, LENGTHS.length, true);
      double loss = 0;
      double[] gradients = new double[parameters.length];
      for (Sequence sequence : sequences.all()) {
        loss += reference.loss(sequence, ReferenceSequenceModel.withoutDropout(spec));
        reference.addGradients(1.0 / batch.predictions(), gradients);
      }
      double expected = golden.floats("loss")[0];
      assertThat(Math.abs(loss - expected) / expected).isLessThan(TOLERANCE);
      assertGradients(spec, golden, gradients);
      try (SequenceModel model =
          SequenceModel.forTraining(spec, new JavaKernel(), LENGTHS.length, 5, 0)) {
        model.setParameters(parameters);
        double trained = model.train(batch, 1f / batch.predictions(), new Masks(1, 0, 0));
        assertThat(Math.abs(trained - expected) / expected).isLessThan(TOLERANCE);
        assertGradients(spec, golden, TorchGolden.doubles(model.gradients().toArray()));
      }
    }
  }

  private static Sequence[] read(TorchGolden golden, Task task) throws IOException {
    boolean dense = task == Task.REGRESSION;
    int[] tokens = dense ? new int[0] : golden.integers("tokens");
    double[] values = dense ? golden.doubles("values") : new double[0];
    int[] classes = dense ? new int[0] : golden.integers("classes");
    double[] targets = dense ? golden.doubles("targets") : new double[0];
    Sequence[] sequences = new Sequence[LENGTHS.length];
    int step = 0;
    for (int b = 0; b < LENGTHS.length; b++) {
      int end = step + LENGTHS[b];
      boolean tagging = task == Task.TAGGING;
      sequences[b] =
          new Sequence(
              dense ? tokens : Arrays.copyOfRange(tokens, step, end),
              dense ? Arrays.copyOfRange(values, step * 5, end * 5) : values,
              dense
                  ? classes
                  : Arrays.copyOfRange(classes, tagging ? step : b, tagging ? end : b + 1),
              dense ? Arrays.copyOfRange(targets, b * 6, (b + 1) * 6) : targets);
      step = end;
    }
    return sequences;
  }

  private static void assertGradients(ModelSpec spec, TorchGolden golden, double[] gradients)
      throws IOException {
    for (ParameterBlock block : spec.layout().blocks()) {
      double[] expected = golden.doubles("gradient." + block.name());
      double largest = 0;
      double deviation = 0;
      for (int i = 0; i < expected.length; i++) {
        largest = Math.max(largest, Math.abs(expected[i]));
        deviation = Math.max(deviation, Math.abs(gradients[block.offset() + i] - expected[i]));
      }
      assertThat(deviation / Math.max(largest, 1e-3)).as(block.name()).isLessThan(TOLERANCE);
    }
  }
}
