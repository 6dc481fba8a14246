package org.sparkrnn.driver.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
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
    assertThatThrownBy(() -> train(Phase.FORWARD, Deed.THROW, "1h"))
        .isInstanceOf(ClusterFailedException.class)
        .hasMessageContaining("round 1")
        .hasMessageContaining("failed " + FAILURES + " times")
        .hasMessageContaining("injected");
  }

  @Test
  void executorsThatExitForEverEndTheRun() {
    assertThatThrownBy(() -> train(Phase.BACKWARD, Deed.EXIT, "1h"))
        .isInstanceOf(ClusterFailedException.class)
        .hasMessageContaining("round 1")
        .hasMessageContaining("failed " + FAILURES + " times")
        .hasMessageContaining("ExecutorLostFailure");
  }

  @Test
  void hangingForEverEndsTheRunAndTheExecutorsAreReplaced() throws Exception {
    List<ProcessHandle> hanging = cluster.executors();
    assertThatThrownBy(() -> train(Phase.READ, Deed.HANG, "5s"))
        .isInstanceOf(ClusterFailedException.class)
        .hasMessageContaining("round 1")
        .hasMessageContaining("round.timeout = 5s");
    for (ProcessHandle executor : hanging) {
      executor.onExit().get(60, TimeUnit.SECONDS);
    }
    Sabotage.never(cluster.context());
    FaultRuns.train(cluster.context(), corpus, "file", folder.resolve("next"), List.of());
    assertThat(FaultRuns.left(folder.resolve("next"))).containsEntry("metrics.jsonl", "3");
  }

  private void train(Phase phase, Deed deed, String timeout) throws IOException {
    Sabotage.always(cluster.context(), phase, deed);
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
