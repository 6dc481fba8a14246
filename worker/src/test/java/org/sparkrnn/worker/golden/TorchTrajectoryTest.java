package org.sparkrnn.worker.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.Plan;
import org.sparkrnn.worker.training.ReplicaResult;
import org.sparkrnn.worker.training.ReplicaState;
import org.sparkrnn.worker.training.ReplicaTask;
import org.sparkrnn.worker.training.ReplicaTrainer;

/**
 * 100 local steps from the same initial parameters: the losses are PyTorch's to 1e-4, with
 * rectifiers, where a rounding may switch one, to 1e-3.
 */
class TorchTrajectoryTest {
  private static final int STEPS = 100;
  private static final int VOCABULARY = 17;

  /** The script's optimizers in our settings. */
  private static final Map<String, List<String>> OPTIMIZERS =
      Map.ofEntries(
          optimizer("sgd", "kind=sgd", "learning-rate=1"),
          optimizer("sgd-clipped-by-norm", "kind=sgd", "learning-rate=1", "clipping.norm=0.1"),
          optimizer("sgd-clipped-by-value", "kind=sgd", "learning-rate=1", "clipping.value=0.01"),
          optimizer("sgd-weight-decay", "kind=sgd", "learning-rate=1", "weight-decay=0.001"),
          optimizer("sgd-l1", "kind=sgd", "learning-rate=1", "l1=0.0001"),
          optimizer("momentum", "kind=momentum", "learning-rate=0.1", "momentum=0.9"),
          optimizer("rmsprop", "kind=rmsprop", "learning-rate=0.01", "decay=0.95", "epsilon=1e-8"),
          optimizer("adagrad", "kind=adagrad", "learning-rate=0.05", "epsilon=1e-8"),
          optimizer("adadelta", "kind=adadelta", "learning-rate=1", "decay=0.9", "epsilon=1e-5"),
          optimizer("adam", adam("adam")),
          optimizer("adam-weight-decay", adam("adam", "weight-decay=0.001")),
          optimizer("adamw", adam("adamw", "weight-decay=0.1")),
          optimizer(
              "asgd",
              "kind=asgd",
              "learning-rate=1",
              "lambda=0.001",
              "alpha=0.75",
              "averaging-start=20",
              "weight-decay=0.001",
              "state=average"),
          optimizer("nadam", adam("nadam", "momentum-decay=0.004")));

  private static String[] adam(String kind, String... more) {
    List<String> settings = new ArrayList<>(List.of("kind=" + kind, "learning-rate=0.01"));
    settings.addAll(List.of("beta1=0.9", "beta2=0.999", "epsilon=1e-8"));
    settings.addAll(List.of(more));
    return settings.toArray(new String[0]);
  }

  /** Settings without a group are the optimizer's. */
  private static Map.Entry<String, List<String>> optimizer(String name, String... settings) {
    return Map.entry(
        name,
        Stream.of(settings)
            .map(setting -> setting.startsWith("clipping.") ? setting : "optimizer." + setting)
            .toList());
  }

  static Stream<Arguments> trajectories() {
    Stream.Builder<Arguments> trajectories = Stream.builder();
    for (CellKind cell : CellKind.values()) {
      OPTIMIZERS.keySet().stream()
          .sorted()
          .forEach(optimizer -> trajectories.add(Arguments.of(cell, optimizer)));
    }
    return trajectories.build();
  }

  @ParameterizedTest
  @MethodSource("trajectories")
  void lossesEqualPyTorch(CellKind cell, String optimizer) throws IOException {
    String cellName = TorchGolden.name(cell);
    double tolerance = cell == CellKind.RNN_RELU ? 1e-3 : 1e-4;
    TrainingConfig config = config(cellName, OPTIMIZERS.get(optimizer));
    ModelSpec spec = ModelSpec.of(config.model(), VOCABULARY);
    try (TorchGolden golden = new TorchGolden("trajectory-" + cellName)) {
      int[] tokens = golden.integers("tokens");
      Plan plan = Plan.of(config, tokens.length);
      assertThat(plan.steps()).isEqualTo(STEPS);
      float[] expected = golden.floats("losses." + optimizer);
      float[] parameters = golden.vector("parameter.", spec.layout());
      ReplicaState state = ReplicaState.start();
      for (int step = 0; step < STEPS; step++) {
        ReplicaResult result =
            ReplicaTrainer.run(
                config,
                spec,
                new JavaKernel(),
                plan,
                new ReplicaTask(0, step, 0, step, step * 8L, 1, step, 0, -1, 1.0),
                parameters,
                state,
                (first, target, from, count) ->
                    System.arraycopy(tokens, (int) first, target, from, count),
                () -> false);
        double loss = result.statistics().lossNatsPerToken();
        assertThat(Math.abs(loss - expected[step])).as("step %d", step).isLessThan(tolerance);
        parameters = result.parameters();
        state = result.state();
      }
      if (optimizer.equals("asgd")) {
        float[] average = golden.vector("average.", spec.layout());
        assertThat(state.moments()).hasSameSizeAs(average);
        for (int i = 0; i < average.length; i++) {
          assertThat(state.moments()[i]).isCloseTo(average[i], within(1e-4f));
          assertThat(parameters[i]).isNotEqualTo(state.moments()[i]);
        }
      }
    }
  }

  private static TrainingConfig config(String cell, List<String> optimizer) {
    List<String> settings =
        new ArrayList<>(
            List.of(
                "model.cell=" + cell,
                "model.layers=2",
                "model.hidden=16",
                "model.embedding=8",
                "model.dropout=0",
                "loss.reduction=token-mean",
                "batch.streams=4",
                "batch.window=8",
                "clipping.norm=0",
                "clipping.value=0",
                "schedule.kind=constant",
                "kernel.choice=java"));
    settings.addAll(optimizer);
    return TrainingConfig.load("", settings);
  }
}
