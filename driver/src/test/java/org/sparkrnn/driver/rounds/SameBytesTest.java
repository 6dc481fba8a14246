package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;

/** Promise 1: a result depends on settings, seed and replicas, never on the cluster. */
@Timeout(300)
class SameBytesTest {
  /** Settings that differ from {@link TestRuns#config}'s, by name. */
  private static final Map<String, Map<String, Object>> RUNS = new LinkedHashMap<>();

  static {
    RUNS.put(
        "unequal parts, LSTM, SGD, dropout",
        Map.of("training.replicas", 3, "round.local-steps", 3, "model.dropout", 0.3));
    RUNS.put(
        "empty parts and parts below a window, GRU, Adam",
        Map.of(
            "training.replicas",
            24,
            "batch.streams",
            8,
            "model.cell",
            "gru",
            "optimizer.kind",
            "adam",
            "optimizer.learning-rate",
            0.01,
            "training.epochs",
            3));
    RUNS.put(
        "averaged moments and outer momentum, LSTM, Adam",
        Map.of(
            "optimizer.kind", "adam",
            "optimizer.learning-rate", 0.01,
            "optimizer.state", "average",
            "outer.kind", "nesterov",
            "outer.learning-rate", 0.7,
            "outer.momentum", 0.5,
            "schedule.kind", "cosine"));
    RUNS.put(
        "carried state in files, GRU, momentum, sum over time",
        Map.of(
            "model.cell", "gru",
            "model.input", "one-hot",
            "optimizer.kind", "momentum",
            "optimizer.learning-rate", 0.05,
            "clipping.norm", 0.5,
            "loss.reduction", "sum-time-mean-batch",
            "round.inline-state-bytes", 0));
    RUNS.put(
        "differences in eight bits, LSTM, Adam",
        Map.of(
            "training.replicas",
            3,
            "optimizer.kind",
            "adam",
            "optimizer.learning-rate",
            0.01,
            "round.delta",
            "int8"));
    RUNS.put(
        "differences in bfloat16 and outer momentum, GRU, SGD",
        Map.of(
            "model.cell",
            "gru",
            "outer.kind",
            "nesterov",
            "round.delta",
            "bf16",
            "round.warmup-steps",
            6));
    RUNS.put(
        "AWD: tied, projected, normalised, drawn windows, variational dropout, averaged parameters",
        Map.ofEntries(
            Map.entry("model.hidden", "6,8"),
            Map.entry("model.projection", "0,5"),
            Map.entry("model.layer-normalization", true),
            Map.entry("model.tied", true),
            Map.entry("model.dropout-kind", "variational"),
            Map.entry("model.dropout", 0.2),
            Map.entry("model.embedding-dropout", 0.1),
            Map.entry("model.word-dropout", 0.1),
            Map.entry("model.recurrent-weight-dropout", 0.5),
            Map.entry("model.zoneout-hidden", 0.1),
            Map.entry("model.zoneout-cell", 0.2),
            Map.entry("loss.activation-penalty", 2),
            Map.entry("loss.temporal-penalty", 1),
            Map.entry("batch.window", 10),
            Map.entry("batch.window-lengths", "drawn"),
            Map.entry("optimizer.kind", "nt-asgd"),
            Map.entry("optimizer.state", "average"),
            Map.entry("optimizer.learning-rate", 4),
            Map.entry("optimizer.non-monotone", 1),
            Map.entry("round.local-steps", 1),
            Map.entry("evaluation.every-rounds", 1),
            Map.entry("training.epochs", 3)));
    RUNS.put(
        "products in bfloat16, LSTM, SGD",
        Map.of("kernel.precision", "bf16", "kernel.bf16-emulation", true));
  }

  @TempDir static Path shared;
  private static Map<String, Map<String, String>> expected;

  @TempDir Path folder;

  @BeforeAll
  static void trainOnOneThread() throws IOException {
    TestRuns.corpus(shared.resolve("corpus"), 31, 191, 41);
    try (SparkTestCluster cluster = SparkTestCluster.local(1, Serialization.JAVA)) {
      expected = train(cluster, shared.resolve("corpus").toString(), shared.resolve("expected"));
    }
    assertThat(expected).hasSize(RUNS.size());
    expected.forEach((run, steps) -> assertThat(steps).as(run).hasSizeGreaterThanOrEqualTo(3));
  }

  @Test
  void twoThreadsAndKryo() throws IOException {
    try (SparkTestCluster cluster = SparkTestCluster.local(2, Serialization.KRYO)) {
      assertSame(cluster, shared.resolve("corpus").toString());
    }
  }

  @Test
  void localClusterOfTwoExecutors() throws IOException {
    try (SparkTestCluster cluster = SparkTestCluster.localCluster(Serialization.KRYO)) {
      assertSame(cluster, shared.resolve("corpus").toString());
    }
  }

  @Test
  void standaloneMasterWithTwoWorkers() throws IOException {
    try (SparkTestCluster cluster = SparkTestCluster.standalone(Serialization.JAVA)) {
      assertSame(cluster, shared.resolve("corpus").toString());
    }
  }

  @Test
  void everyTaskFailsOnce() throws IOException {
    Map<String, String> settings =
        Map.of("spark.master", "local[2,4]", FaultyFileSystem.SETTING, faulty());
    try (SparkTestCluster cluster = SparkTestCluster.local(2, Serialization.KRYO, settings)) {
      Counter counter = new Counter();
      cluster.session().sparkContext().addSparkListener(counter);
      assertSame(cluster, "faulty://fail-first" + shared.resolve("corpus"));
      assertThat(counter.failed.get()).isGreaterThan(20);
    }
  }

  @Test
  void speculationRunsASlowReplicaTwice() throws IOException {
    Map<String, String> settings =
        Map.of(
            FaultyFileSystem.SETTING,
            faulty(),
            "spark.speculation",
            "true",
            "spark.speculation.interval",
            "50ms",
            "spark.speculation.quantile",
            "0.3",
            "spark.speculation.multiplier",
            "1.1",
            "spark.speculation.minTaskRuntime",
            "200ms");
    try (SparkTestCluster cluster = SparkTestCluster.standalone(Serialization.JAVA, settings)) {
      Counter counter = new Counter();
      cluster.session().sparkContext().addSparkListener(counter);
      String run = "unequal parts, LSTM, SGD, dropout";
      Map<String, String> trained =
          train(cluster, "faulty://slow-first" + shared.resolve("corpus"), folder, run);
      assertThat(trained).isEqualTo(expected.get(run));
      assertThat(counter.speculative.get()).isPositive();
    }
  }

  @Test
  void anExecutorIsKilledInTheMiddleOfARound() throws IOException {
    Map<String, String> settings = Map.of(FaultyFileSystem.SETTING, faulty());
    try (SparkTestCluster cluster = SparkTestCluster.localCluster(Serialization.KRYO, settings)) {
      List<ProcessHandle> before = cluster.executors();
      assertThat(before).hasSize(2);
      // The first replica's task sleeps for three seconds: nobody ends the round before the kill.
      ScheduledExecutorService killer = Executors.newSingleThreadScheduledExecutor();
      ScheduledFuture<Boolean> kill =
          killer.schedule(() -> before.get(0).destroyForcibly(), 4, TimeUnit.SECONDS);
      String run = "unequal parts, LSTM, SGD, dropout";
      Map<String, String> trained =
          train(cluster, "faulty://slow-first" + shared.resolve("corpus"), folder, run);
      killer.shutdown();
      assertThat(kill.isDone()).isTrue();
      assertThat(trained).isEqualTo(expected.get(run));
      assertThat(before.get(0).isAlive()).isFalse();
    }
  }

  private void assertSame(SparkTestCluster cluster, String corpus) throws IOException {
    Map<String, Map<String, String>> trained = train(cluster, corpus, folder);
    RUNS.keySet().forEach(run -> assertThat(trained.get(run)).as(run).isEqualTo(expected.get(run)));
  }

  private static Map<String, Map<String, String>> train(
      SparkTestCluster cluster, String corpus, Path folder) throws IOException {
    Map<String, Map<String, String>> manifests = new TreeMap<>();
    for (String run : RUNS.keySet()) {
      manifests.put(run, train(cluster, corpus, folder, run));
    }
    return manifests;
  }

  /** The manifests of a run, which hold the checksums of all that must be equal. */
  private static Map<String, String> train(
      SparkTestCluster cluster, String corpus, Path folder, String run) throws IOException {
    Path target = folder.resolve(run.replaceAll("[^A-Za-z]+", "-"));
    TrainingOutcome outcome =
        Trainer.run(
            cluster.context(),
            TestRuns.config(corpus, target, RUNS.get(run)),
            TrainOptions.start(),
            List.of());
    assertThat(outcome.finished()).isTrue();
    assertThat(target.resolve("work")).doesNotExist();
    return TestRuns.manifests(target);
  }

  private static String faulty() {
    return FaultyFileSystem.class.getName();
  }

  private static final class Counter extends SparkListener {
    private final AtomicInteger failed = new AtomicInteger();
    private final AtomicInteger speculative = new AtomicInteger();

    @Override
    public void onTaskEnd(SparkListenerTaskEnd end) {
      if (!end.taskInfo().successful()) {
        failed.incrementAndGet();
      }
    }

    @Override
    public void onTaskStart(SparkListenerTaskStart start) {
      speculative.addAndGet(start.taskInfo().speculative() ? 1 : 0);
    }
  }
}
