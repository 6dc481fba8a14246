package org.sparkrnn.worker.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.sparkrnn.worker.golden.TorchGolden.doubles;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkrnn.common.config.DropoutConfig.Kind;
import org.sparkrnn.common.config.LossConfig.Reduction;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.config.SoftmaxConfig;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.model.ActivationPenalties;
import org.sparkrnn.worker.model.Dropout;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.reference.ReferenceModel;

/**
 * One window against the losses, states and gradients that PyTorch computed, in float32.
 *
 * <p>Tolerance: PyTorch's own rounding, some 2⁻²⁴ per operation over sums of up to 20 terms and
 * four steps; a wrong gate order or factor differs by more than 1e-2.
 */
class TorchWindowTest {
  private static final double TOLERANCE = 1e-5;
  private static final int TIME = 4;
  private static final int STREAMS = 3;

  /**
   * What a file holds.
   *
   * @param penalties in its gradients
   */
  private record Window(String file, ModelSpec spec, ActivationPenalties penalties) {
    @Override
    public String toString() {
      return file;
    }
  }

  static Stream<Window> windows() {
    Stream.Builder<Window> windows = Stream.builder();
    windows.add(
        new Window(
            "window-lstm-projected",
            special(CellKind.LSTM, List.of(5, 5), false, false).withProjection(List.of(3, 3)),
            ActivationPenalties.NONE));
    for (CellKind cell : CellKind.values()) {
      String prefix = "window-%s-".formatted(TorchGolden.name(cell));
      windows.add(
          new Window(
              prefix + "normalised",
              new ModelSpec(cell, 2, 11, Input.EMBEDDING, 6, 5, 0f).withNormalisation(),
              ActivationPenalties.NONE));
      for (int layers : new int[] {1, 2}) {
        for (Input input : Input.values()) {
          boolean embedded = input == Input.EMBEDDING;
          windows.add(
              new Window(
                  prefix + layers + (embedded ? "-embedding" : "-one-hot"),
                  new ModelSpec(cell, layers, 11, input, embedded ? 6 : 0, 5, 0f),
                  ActivationPenalties.NONE));
        }
      }
      if (cell != CellKind.LSTM && cell != CellKind.GRU) {
        continue;
      }
      windows.add(
          new Window(
              prefix + "tied",
              special(cell, List.of(5, 6), false, true),
              new ActivationPenalties(2, 1)));
      windows.add(
          new Window(
              prefix + "residual",
              special(cell, List.of(5, 5, 5), true, false),
              ActivationPenalties.NONE));
      windows.add(
          new Window(
              prefix + "adaptive",
              special(cell, List.of(9), false, false)
                  .withSoftmax(new SoftmaxConfig(SoftmaxConfig.Kind.ADAPTIVE, List.of(3, 6), 3, 0)),
              ActivationPenalties.NONE));
    }
    return windows.build();
  }

  private static ModelSpec special(
      CellKind cell, List<Integer> hidden, boolean residual, boolean tied) {
    Dropout none = new Dropout(Kind.INDEPENDENT, 0, 0, 0, 0, 0, 0);
    return new ModelSpec(cell, hidden, 11, Input.EMBEDDING, 6, residual, tied, false, none);
  }

  @ParameterizedTest
  @MethodSource("windows")
  void referenceEqualsPyTorch(Window window) throws IOException {
    ModelSpec spec = window.spec();
    try (TorchGolden golden = new TorchGolden(window.file())) {
      double[] parameters = doubles(golden.vector("parameter.", spec.layout()));
      ReferenceModel model = new ReferenceModel(spec, STREAMS, parameters);
      double[][] masks = ReferenceModel.withoutDropout(spec);
      double[] losses =
          model.forward(
              TIME,
              golden.integers("tokens"),
              golden.integers("labels"),
              golden.doubles("initial"),
              masks);
      assertClose("losses", losses, golden.doubles("losses"));
      assertClose("output", model.output(), golden.doubles("output"));
      assertClose("final state", model.finalState(), golden.doubles("final"));
      double scale = ReferenceModel.scale(Reduction.TOKEN_MEAN, TIME, STREAMS);
      assertGradients(spec, golden, model.backward(scale, window.penalties(), masks).parameters());
    }
  }

  @ParameterizedTest
  @MethodSource("windows")
  void languageModelEqualsPyTorch(Window window) throws IOException {
    ModelSpec spec = window.spec();
    try (TorchGolden golden = new TorchGolden(window.file());
        LanguageModel model = LanguageModel.forTraining(spec, new JavaKernel(), STREAMS, TIME, 0)) {
      model.setParameters(golden.vector("parameter.", spec.layout()));
      model.writeState(golden.floats("initial"));
      model.train(
          TIME,
          golden.integers("tokens"),
          golden.integers("labels"),
          1f / (TIME * STREAMS),
          window.penalties(),
          new LanguageModel.Masks(1, 0, 0));
      double[] losses = new double[TIME * STREAMS];
      model.losses(losses.length, losses);
      assertClose("losses", losses, golden.doubles("losses"));
      assertGradients(spec, golden, doubles(model.gradients().toArray()));
      model.carryState(TIME);
      float[] state = new float[spec.stateFloats(STREAMS)];
      model.readState(state);
      assertClose("final state", doubles(state), golden.doubles("final"));
    }
  }

  /** What the generator draws from, for the first of the streams. */
  @ParameterizedTest
  @EnumSource(names = {"LSTM", "GRU"})
  void predictionsOfAdaptiveSoftmaxEqualPyTorchsLogarithms(CellKind cell) throws IOException {
    String file = "window-%s-adaptive".formatted(TorchGolden.name(cell));
    ModelSpec spec =
        windows().filter(window -> window.file().equals(file)).findFirst().orElseThrow().spec();
    int units = spec.outputSize();
    try (TorchGolden golden = new TorchGolden(file);
        LanguageModel model = LanguageModel.forGeneration(spec, new JavaKernel())) {
      model.setParameters(golden.vector("parameter.", spec.layout()));
      float[] initial = golden.floats("initial");
      float[] state = new float[spec.stateFloats(1)];
      for (int i = 0; i < state.length; i++) {
        state[i] = initial[i / units * STREAMS * units + i % units];
      }
      model.writeState(state);
      double[] expected = golden.doubles("log_probabilities");
      int[] tokens = golden.integers("tokens");
      float[] logits = new float[spec.vocabulary()];
      for (int t = 0; t < TIME; t++) {
        model.predict(tokens[t * STREAMS], logits);
        int from = t * STREAMS * logits.length;
        double[] row = Arrays.copyOfRange(expected, from, from + logits.length);
        assertClose("step " + t, doubles(logits), row);
      }
    }
  }

  private static void assertGradients(ModelSpec spec, TorchGolden golden, double[] gradients)
      throws IOException {
    for (ParameterBlock block : spec.layout().blocks()) {
      double[] actual = new double[block.size()];
      System.arraycopy(gradients, block.offset(), actual, 0, actual.length);
      assertClose(block.name(), actual, golden.doubles("gradient." + block.name()));
    }
  }

  private static void assertClose(String name, double[] actual, double[] expected) {
    assertThat(actual.length).as(name).isEqualTo(expected.length);
    double largest = 0;
    double deviation = 0;
    for (int i = 0; i < actual.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      deviation = Math.max(deviation, Math.abs(actual[i] - expected[i]));
    }
    assertThat(deviation / largest).as(name).isLessThan(TOLERANCE);
  }
}
