package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;

/** Promise 1 across kernels: rounds of the native kernel leave the Java kernel's bytes. */
@Timeout(300)
@DisabledIfSystemProperty(
    named = "native.skip",
    matches = "true",
    disabledReason = "-Dnative.skip: this build has no native kernel")
class NativeRoundsTest {
  private static final List<String> CELLS = List.of("lstm", "gru");

  @TempDir static Path shared;
  private static Map<String, Map<String, String>> expected;

  @TempDir Path folder;

  @BeforeAll
  static void trainWithTheJavaKernel() throws IOException {
    TestRuns.corpus(shared.resolve("corpus"), 51, 400, 60);
    try (SparkTestCluster cluster = SparkTestCluster.local(1, Serialization.KRYO)) {
      expected = train(cluster, shared.resolve("expected"), "java");
    }
    expected.forEach((cell, steps) -> assertThat(steps).as(cell).hasSizeGreaterThanOrEqualTo(3));
  }

  @Test
  void twoThreads() throws IOException {
    try (SparkTestCluster cluster = SparkTestCluster.local(2, Serialization.KRYO)) {
      assertThat(train(cluster, folder, "native")).isEqualTo(expected);
    }
  }

  @Test
  void executorsThatAreProcessesOfTheirOwn() throws IOException {
    try (SparkTestCluster cluster = SparkTestCluster.localCluster(Serialization.KRYO)) {
      assertThat(train(cluster, folder, "native")).isEqualTo(expected);
    }
  }

  /** The manifests of a run of each cell. Widths that no vector unit divides. */
  private static Map<String, Map<String, String>> train(
      SparkTestCluster cluster, Path folder, String kernel) throws IOException {
    Map<String, Map<String, String>> manifests = new LinkedHashMap<>();
    for (String cell : CELLS) {
      Path run = folder.resolve(cell);
      Map<String, Object> settings =
          Map.of(
              "kernel.choice",
              kernel,
              "model.cell",
              cell,
              "model.hidden",
              37,
              "model.embedding",
              21,
              "model.dropout",
              0.2,
              "optimizer.kind",
              "adam",
              "optimizer.learning-rate",
              0.01);
      TrainingOutcome outcome =
          Trainer.run(
              cluster.context(),
              TestRuns.config(shared.resolve("corpus").toString(), run, settings),
              TrainOptions.start(),
              List.of());
      assertThat(outcome.finished()).isTrue();
      manifests.put(cell, TestRuns.manifests(run));
    }
    return manifests;
  }
}
