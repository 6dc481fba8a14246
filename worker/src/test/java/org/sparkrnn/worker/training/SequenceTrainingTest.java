package org.sparkrnn.worker.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.storage.LocalFiles;
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.ModelSpec;

/** Whole runs on sequences without Spark. */
class SequenceTrainingTest {
  @TempDir Path folder;
  private final LocalFiles files = new LocalFiles();

  private TrainingState train(TrainingConfig config, boolean resume, BooleanSupplier stop)
      throws IOException {
    TrainingCorpus corpus = TrainingCorpus.open(files, config.corpus().path(), config);
    return PlainTrainer.run(config, files, corpus, new JavaKernel(), resume, stop);
  }

  private Path corpus(Task task) {
    return SequenceCorpora.write(folder.resolve("corpus"), task, 5, 90);
  }

  @ParameterizedTest
  @EnumSource(
      value = Task.class,
      names = {"CLASSIFICATION", "TAGGING", "REGRESSION"})
  void trainingLearns(Task task) throws IOException {
    TrainingConfig config =
        SequenceCorpora.config(
            task,
            corpus(task),
            folder.resolve("run"),
            Map.of("training.epochs", 15, "model.bidirectional", "concat"));
    TrainingCorpus corpus = TrainingCorpus.open(files, config.corpus().path(), config);
    ModelSpec spec = corpus.schema().spec(config);
    float[] start = spec.initialise(config.model(), 1);
    double before = loss(corpus, config, spec, start);
    TrainingState state = train(config, false, () -> false);
    assertThat(state.bestLoss()).isLessThan(0.3 * before);
    assertThat(state.tokens()).isEqualTo(15 * 90);
  }

  private static double loss(
      TrainingCorpus corpus, TrainingConfig config, ModelSpec spec, float[] parameters)
      throws IOException {
    Kernel kernel = new JavaKernel();
    return corpus.evaluate(config, spec, kernel, parameters, "valid").orElseThrow().loss();
  }

  @ParameterizedTest
  @EnumSource(
      value = Task.class,
      names = {"CLASSIFICATION", "TAGGING", "REGRESSION"})
  void aRunThatWasCutOffAndResumedEndsInTheSameBytes(Task task) throws IOException {
    Path corpus = corpus(task);
    Map<String, Object> settings =
        new HashMap<>(
            Map.of(
                "model.dropout",
                0.2,
                "model.recurrent-weight-dropout",
                0.3,
                "model.zoneout-hidden",
                0.1,
                "model.zoneout-cell",
                0.2,
                "model.projection",
                5,
                "model.layers",
                2));
    train(
        SequenceCorpora.config(task, corpus, folder.resolve("whole"), settings),
        false,
        () -> false);
    TrainingConfig cut = SequenceCorpora.config(task, corpus, folder.resolve("cut"), settings);
    for (int part = 0; part < 30; part++) {
      train(cut, true, () -> true); // one round
    }
    assertThat(manifests("cut")).isEqualTo(manifests("whole")).hasSizeGreaterThan(10);
  }

  @Test
  void oneReplicaDoesNotDependOnLocalSteps() throws IOException {
    Path corpus = corpus(Task.TAGGING);
    for (int steps : new int[] {1, 5, 1000}) {
      train(
          SequenceCorpora.config(
              Task.TAGGING, corpus, folder.resolve("run" + steps), Map.of("training.epochs", 2)),
          false,
          () -> false);
    }
    String last = "step-46"; // two epochs of 23 steps
    assertThat(parameters("run1", last))
        .isEqualTo(parameters("run5", last))
        .isEqualTo(parameters("run1000", last));
  }

  private byte[] parameters(String run, String step) throws IOException {
    return Files.readAllBytes(folder.resolve(run).resolve(step).resolve("model.safetensors"));
  }

  private Map<String, String> manifests(String run) throws IOException {
    Map<String, String> manifests = new TreeMap<>();
    try (Stream<Path> steps = Files.list(folder.resolve(run))) {
      for (Path step : steps.filter(path -> path.toString().contains("step-")).toList()) {
        manifests.put(
            step.getFileName().toString(),
            Files.readString(step.resolve("manifest.json"), StandardCharsets.UTF_8));
      }
    }
    return manifests;
  }

  /** Two replicas that average after every step take the step of one with the twofold batch. */
  @Test
  void replicasCountByTheirPredictions() throws IOException {
    Path corpus = corpus(Task.TAGGING);
    for (String reduction : new String[] {"token-mean", "sum-time-mean-batch"}) {
      Map<String, Object> settings =
          Map.of(
              "optimizer.kind",
              "sgd",
              "optimizer.learning-rate",
              0.3,
              "batch.bucket-batches",
              1,
              "loss.reduction",
              reduction);
      TrainingConfig one = SequenceCorpora.config(Task.TAGGING, corpus, folder, settings);
      TrainingCorpus sequences = TrainingCorpus.open(files, corpus.toString(), one);
      ModelSpec spec = sequences.schema().spec(one);
      float[] start = spec.initialise(one.model(), 1);
      Plan two = new Plan(8, 2, 4, 7, Plan.Unit.SEQUENCES);
      Plan whole = new Plan(8, 1, 8, 7, Plan.Unit.SEQUENCES);
      double[] sum = new double[start.length];
      long total = 0;
      for (int r = 0; r < 2; r++) {
        ReplicaResult result = step(sequences, one, spec, two, r, start);
        long weight =
            reduction.equals("token-mean") ? result.statistics().tokens() : two.streamsInStep(r, 0);
        total += weight;
        for (int i = 0; i < sum.length; i++) {
          sum[i] += weight * (double) result.parameters()[i];
        }
      }
      float[] expected = step(sequences, one, spec, whole, 0, start).parameters();
      for (int i = 0; i < sum.length; i++) {
        assertThat(sum[i] / total)
            .isCloseTo(expected[i], org.assertj.core.data.Offset.offset(1e-6));
      }
    }
  }

  private static ReplicaResult step(
      TrainingCorpus corpus,
      TrainingConfig config,
      ModelSpec spec,
      Plan plan,
      int replica,
      float[] start)
      throws IOException {
    ReplicaTask task = new ReplicaTask(replica, 0, 0, 0, 0, 1, 0, 0, -1, 1);
    return corpus.train(
        config, spec, new JavaKernel(), plan, task, start, ReplicaState.start(), () -> false);
  }

  @Test
  void settingsThatDoNotFitTheCorpusAreRefused() throws IOException {
    Path corpus = corpus(Task.CLASSIFICATION);
    assertRefused(
        "set model.task = classification",
        SequenceCorpora.config(Task.TAGGING, corpus, folder, Map.of()));
    assertRefused(
        "batch.window = 5: its longest sequence has 7 steps",
        SequenceCorpora.config(Task.CLASSIFICATION, corpus, folder, Map.of("batch.window", 5)));
    assertThatThrownBy(
            () -> TrainingConfig.load("model.bidirectional = concat", java.util.List.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("it sees the token it is to predict");
  }

  private void assertRefused(String why, TrainingConfig config) {
    assertThatThrownBy(() -> train(config, false, () -> false))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining(why);
  }
}
