package org.sparkrnn.driver.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.errors.ClusterFailedException;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.driver.faults.Sabotage.Deed;
import org.sparkrnn.driver.faults.Sabotage.Phase;

/**
 * A task that fails for ever ends the run with a clear error in bounded time, and the executors are
 * free again for the next; with executors that are JVMs of their own.
 */
@Timeout(300)
class HopelessTasksTest {
  private static final int FAILURES = 3;

  @TempDir static Path shared;

  private static SparkTestCluster cluster;
  private static Path corpus;

  @TempDir Path folder;

  @BeforeAll
  static void startSpark() throws IOException {
    corpus = FaultRuns.corpus(shared.resolve("corpus"));
    cluster =
        SparkTestCluster.localCluster(
            Serialization.KRYO,
            Map.of(
                "spark.executor.extraJavaOptions",
                    SparkTestCluster.EXECUTOR_OPTIONS + " " + SabotageAgent.option(shared),
                "spark.task.maxFailures", "" + FAILURES,
                "spark.task.reaper.enabled", "true",
                "spark.task.reaper.pollingInterval", "500ms",
                "spark.task.reaper.killTimeout", "2s"));
  }

  @AfterAll
  static void stopSpark() {
    cluster.close();
  }

  @Test
  void throwingForEverEndsTheRun() {
    assertThatThrownBy(() -> train(Phase.FORWARD, Deed.THROW))
        .isInstanceOf(ClusterFailedException.class)
        .hasMessageContaining("round 1")
        .hasMessageContaining("failed " + FAILURES + " times")
        .hasMessageContaining("injected");
  }

  @Test
  void executorsThatExitForEverEndTheRun() {
    assertThatThrownBy(() -> train(Phase.BACKWARD, Deed.EXIT))
        .isInstanceOf(ClusterFailedException.class)
        .hasMessageContaining("round 1")
        .hasMessageContaining("failed " + FAILURES + " times")
        .hasMessageContaining("ExecutorLostFailure");
  }

  @Test
  void hangingForEverEndsTheRunAndTheExecutorsAreReplaced() throws Exception {
    Path marks = Files.createDirectory(folder.resolve("marks"));
    Sabotage.alwaysHang(cluster.context(), Phase.READ, marks);
    assertThatThrownBy(() -> train("10s"))
        .isInstanceOf(ClusterFailedException.class)
        .hasMessageContaining("round 1")
        .hasMessageContaining("round.timeout = 10s");
    String[] hanging = marks.toFile().list(); // a slow machine may have got one of them there
    assertThat(hanging).isNotEmpty();
    for (String pid : hanging) {
      Optional<ProcessHandle> executor = ProcessHandle.of(Long.parseLong(pid));
      if (executor.isPresent()) {
        executor.get().onExit().get(60, TimeUnit.SECONDS);
      }
    }
    FaultRuns.train(cluster.context(), corpus, "file", folder.resolve("next"), List.of());
    assertThat(FaultRuns.left(folder.resolve("next")))
        .containsEntry("metrics.jsonl", "" + FaultRuns.ROUNDS);
  }

  private void train(Phase phase, Deed deed) throws IOException {
    Sabotage.always(cluster.context(), phase, deed);
    train("1h");
  }

  private void train(String timeout) throws IOException {
    try {
      InvarianceRun.train(
          cluster.context(),
          corpus.toString(),
          folder.resolve("run").toString(),
          Map.of("round.timeout", timeout),
          List.of());
    } finally {
      Sabotage.never(cluster.context());
    }
  }
}
