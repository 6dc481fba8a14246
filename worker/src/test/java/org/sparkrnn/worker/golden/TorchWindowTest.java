package org.sparkrnn.worker.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.sparkrnn.worker.golden.TorchGolden.doubles;

import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkrnn.common.config.LossConfig.Reduction;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.JavaKernel;
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

  static Stream<Arguments> windows() {
    Stream.Builder<Arguments> windows = Stream.builder();
    for (CellKind cell : CellKind.values()) {
      for (int layers : new int[] {1, 2}) {
        for (Input input : Input.values()) {
          windows.add(Arguments.of(cell, layers, input));
        }
      }
    }
    return windows.build();
  }

  @ParameterizedTest
  @MethodSource("windows")
  void referenceEqualsPyTorch(CellKind cell, int layers, Input input) throws IOException {
    ModelSpec spec = spec(cell, layers, input);
    try (TorchGolden golden = new TorchGolden(file(cell, layers, input))) {
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
      assertGradients(spec, golden, model.backward(scale, masks).parameters());
    }
  }

  @ParameterizedTest
  @MethodSource("windows")
  void languageModelEqualsPyTorch(CellKind cell, int layers, Input input) throws IOException {
    ModelSpec spec = spec(cell, layers, input);
    try (TorchGolden golden = new TorchGolden(file(cell, layers, input));
        LanguageModel model = LanguageModel.forTraining(spec, new JavaKernel(), STREAMS, TIME, 0)) {
      model.setParameters(golden.vector("parameter.", spec.layout()));
      model.writeState(golden.floats("initial"));
      model.train(
          TIME,
          golden.integers("tokens"),
          golden.integers("labels"),
          1f / (TIME * STREAMS),
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

  private static ModelSpec spec(CellKind cell, int layers, Input input) {
    return new ModelSpec(cell, layers, 11, input, input == Input.EMBEDDING ? 6 : 0, 5, 0f);
  }

  private static String file(CellKind cell, int layers, Input input) {
    String inputName = input == Input.EMBEDDING ? "embedding" : "one-hot";
    return "window-%s-%d-%s".formatted(TorchGolden.name(cell), layers, inputName);
  }
}
