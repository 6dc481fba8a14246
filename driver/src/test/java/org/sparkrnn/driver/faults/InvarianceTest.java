package org.sparkrnn.driver.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorAdded;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.driver.StandaloneCluster;
import org.sparkrnn.driver.faults.Sabotage.Deed;
import org.sparkrnn.driver.faults.Sabotage.Phase;
import org.sparkrnn.driver.metrics.RoundMetrics;
import org.sparkrnn.driver.metrics.TrainingListener;

/**
 * Promise 1 with real executors and real faults: whatever cluster {@link InvarianceRun} runs on and
 * whatever dies there, one checksum for all.
 *
 * <p>{@code -Pfaults} kills executors {@value #LONG_KILLS} times; otherwise {@value #SHORT_KILLS}
 * die.
 */
@Timeout(1800)
class InvarianceTest {
  private static final int LONG_KILLS = 60;
  private static final int SHORT_KILLS = 4;
  private static final long SEED = Long.getLong("sparkrnn.faults.seed", 17);

  /** Executors die more often here than any setting for production would let pass. */
  private static final Map<String, String> PATIENT =
      Map.of(
          "spark.task.maxFailures", "1000",
          "spark.stage.maxConsecutiveAttempts", "1000",
          "spark.shuffle.io.retryWait", "100ms");

  @TempDir static Path shared;

  private static Path corpus;
  private static String expected;
  private static StandaloneCluster standalone;

  @TempDir Path folder;

  @BeforeAll
  static void trainOnOneThread() throws IOException {
    corpus = InvarianceRun.corpus(shared.resolve("corpus"));
    Path run = shared.resolve("run");
    try (SparkTestCluster cluster = SparkTestCluster.local(1, Serialization.JAVA)) {
      train(cluster, run, List.of());
    }
    expected = InvarianceRun.checksum(run);
    assertThat(FaultRuns.left(run).keySet())
        .filteredOn(name -> name.endsWith("manifest.json"))
        .hasSize(InvarianceRun.ROUNDS);
    System.out.println("checksum " + expected);
    standalone = SparkTestCluster.standaloneCluster(3);
  }

  @AfterAll
  static void stopStandaloneCluster() {
    standalone.close();
  }

  @Test
  void fourThreads() throws IOException {
    try (SparkTestCluster cluster = SparkTestCluster.local(4, Serialization.KRYO)) {
      train(cluster, folder.resolve("run"), List.of());
    }
    assertThat(InvarianceRun.checksum(folder.resolve("run"))).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void executorsOfAStandaloneCluster(int executors) throws IOException {
    try (SparkTestCluster cluster = start(executors, Map.of())) {
      train(cluster, folder.resolve("run"), List.of());
      assertThat(cluster.executors()).hasSize(executors);
    }
    assertThat(InvarianceRun.checksum(folder.resolve("run"))).isEqualTo(expected);
  }

  @Test
  void speculationOfWhateverIsNotFirst() throws IOException {
    Map<String, String> settings =
        Map.of(
            "spark.speculation", "true",
            "spark.speculation.interval", "5ms",
            "spark.speculation.quantile", "0.1",
            "spark.speculation.multiplier", "1.01",
            "spark.speculation.minTaskRuntime", "1ms");
    try (SparkTestCluster cluster = start(3, settings)) {
      Events events = new Events(cluster);
      train(cluster, folder.resolve("run"), List.of());
      assertThat(events.speculative.get()).isPositive();
    }
    assertThat(InvarianceRun.checksum(folder.resolve("run"))).isEqualTo(expected);
  }

  @Test
  void dynamicAllocationThatTakesExecutorsAndReturnsThem() throws IOException {
    Map<String, String> settings =
        Map.of(
            "spark.dynamicAllocation.enabled", "true",
            "spark.dynamicAllocation.shuffleTracking.enabled", "true",
            "spark.dynamicAllocation.minExecutors", "1",
            "spark.dynamicAllocation.maxExecutors", "3",
            "spark.dynamicAllocation.executorIdleTimeout", "1s",
            "spark.dynamicAllocation.schedulerBacklogTimeout", "1s",
            "spark.cores.max", "3");
    try (SparkTestCluster cluster = start(1, settings)) {
      Events events = new Events(cluster);
      TrainingListener slow = afterRounds(round -> sleep(round % 6 == 0 ? 4_000 : 0));
      // Slow replicas leave a backlog, for which executors are added.
      Sabotage.always(cluster.context(), Phase.FORWARD, Deed.WAIT);
      train(cluster, folder.resolve("run"), List.of(slow));
      assertThat(events.added.get()).isPositive();
      assertThat(events.removed.get()).isPositive();
    }
    assertThat(InvarianceRun.checksum(folder.resolve("run"))).isEqualTo(expected);
  }

  @Test
  void tasksThatThrowExitOrHangWhereverTheyAre() throws IOException {
    Path marks = Files.createDirectory(folder.resolve("marks"));
    Map<String, String> settings =
        Map.of(
            "spark.speculation", "true",
            "spark.speculation.interval", "100ms",
            "spark.speculation.quantile", "0.5",
            "spark.speculation.minTaskRuntime", "1s",
            "spark.task.reaper.enabled", "true",
            "spark.task.reaper.pollingInterval", "500ms",
            "spark.task.reaper.killTimeout", "2s");
    try (SparkTestCluster cluster = start(3, settings)) {
      Events events = new Events(cluster);
      Sabotage.everyWayOnce(cluster.context(), marks);
      train(cluster, folder.resolve("run"), List.of());
      assertThat(marks.toFile().list()).hasSize(Sabotage.WAYS);
      // The task that hangs in the last round ends with its executor, after the run.
      for (int polls = 0; polls < 600 && events.failed.get() < Sabotage.WAYS; polls++) {
        sleep(100);
      }
      assertThat(events.failed.get()).isGreaterThanOrEqualTo(Sabotage.WAYS);
      assertThat(events.removed.get()).isPositive();
    }
    assertThat(InvarianceRun.checksum(folder.resolve("run"))).isEqualTo(expected);
  }

  @Test
  void executorsKilledAtRandomMoments() throws Exception {
    int target = Boolean.getBoolean("sparkrnn.faults.long") ? LONG_KILLS : SHORT_KILLS;
    Random random = new Random(SEED);
    AtomicInteger kills = new AtomicInteger();
    int runs = 0;
    try (SparkTestCluster cluster = start(3, Map.of())) {
      Thread killer = new Thread(() -> kill(cluster, random, target, kills), "killer");
      killer.start();
      for (; kills.get() < target || runs == 0; runs++) {
        Path run = folder.resolve("run-" + runs);
        train(cluster, run, List.of());
        assertThat(InvarianceRun.checksum(run))
            .as("seed %d, run %d, %d executors killed", SEED, runs, kills.get())
            .isEqualTo(expected);
      }
      killer.join();
    }
    System.out.printf("seed %d: %d executors killed in %d runs%n", SEED, kills.get(), runs);
  }

  private static void kill(
      SparkTestCluster cluster, Random random, int target, AtomicInteger kills) {
    while (kills.get() < target) {
      sleep(500 + random.nextInt(2_500));
      List<ProcessHandle> executors = new ArrayList<>(cluster.executors());
      Collections.shuffle(executors, random);
      if (!executors.isEmpty() && executors.get(0).destroyForcibly()) {
        kills.incrementAndGet();
      }
    }
  }

  /** A session on the standalone cluster, whose executors can be sabotaged. */
  private static SparkTestCluster start(int executors, Map<String, String> settings)
      throws IOException {
    Map<String, String> all = new HashMap<>(PATIENT);
    all.put(
        "spark.executor.extraJavaOptions",
        SparkTestCluster.EXECUTOR_OPTIONS + " " + SabotageAgent.option(shared));
    all.putAll(settings);
    return SparkTestCluster.on(standalone, executors, Serialization.KRYO, all);
  }

  private static void train(SparkTestCluster cluster, Path run, List<TrainingListener> listeners)
      throws IOException {
    InvarianceRun.train(cluster.context(), corpus.toString(), run.toString(), Map.of(), listeners);
  }

  private static TrainingListener afterRounds(LongConsumer action) {
    return new TrainingListener() {
      @Override
      public void roundEnded(RoundMetrics metrics) {
        action.accept(metrics.round());
      }
    };
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What Spark tells of a session. */
  private static final class Events extends SparkListener {
    private final AtomicInteger failed = new AtomicInteger();
    private final AtomicInteger speculative = new AtomicInteger();
    private final AtomicInteger added = new AtomicInteger();
    private final AtomicInteger removed = new AtomicInteger();

    Events(SparkTestCluster cluster) {
      cluster.session().sparkContext().addSparkListener(this);
    }

    @Override
    public void onTaskEnd(SparkListenerTaskEnd end) {
      failed.addAndGet(end.taskInfo().successful() ? 0 : 1);
    }

    @Override
    public void onTaskStart(SparkListenerTaskStart start) {
      speculative.addAndGet(start.taskInfo().speculative() ? 1 : 0);
    }

    @Override
    public void onExecutorAdded(SparkListenerExecutorAdded executor) {
      added.incrementAndGet();
    }

    @Override
    public void onExecutorRemoved(SparkListenerExecutorRemoved executor) {
      removed.incrementAndGet();
    }
  }
}
