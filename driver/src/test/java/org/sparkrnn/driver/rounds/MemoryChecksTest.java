package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.driver.metrics.RunDescription;
import org.sparkrnn.driver.metrics.TrainingListener;

/** A model that cannot fit is refused by the driver before it has started a job. */
@Timeout(180)
class MemoryChecksTest {
  /** Adam, 52 million parameters: 200 MB each of them, its gradient and its moments. */
  private static final Map<String, Object> LARGE =
      Map.of(
          "model.hidden",
          1800,
          "model.embedding",
          1800,
          "kernel.choice",
          "native",
          "optimizer.kind",
          "adam",
          "optimizer.learning-rate",
          0.001);

  @TempDir Path folder;

  @Test
  void aTaskThatNoExecutorHoldsIsRefusedWithTheSetting() {
    Path corpus = TestRuns.corpus(folder.resolve("corpus"), 91, 400, 0);
    Map<String, String> settings = Map.of("spark.executor.memory", "600m");
    try (SparkTestCluster cluster = SparkTestCluster.localCluster(Serialization.KRYO, settings)) {
      AtomicInteger jobs = new AtomicInteger();
      cluster
          .session()
          .sparkContext()
          .addSparkListener(
              new SparkListener() {
                @Override
                public void onJobStart(SparkListenerJobStart start) {
                  jobs.incrementAndGet();
                }
              });
      assertThatThrownBy(() -> train(cluster, corpus, LARGE, List.of()))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("an executor has 600 MiB")
          .hasMessageMatching(".*set spark.executor.memory to \\d{4}m.*");
      assertThat(jobs).hasValue(0);
      assertThat(folder.resolve("run/metrics.jsonl")).doesNotExist();
    }
  }

  @Test
  void inLocalModeTheDriversHeapHoldsAllTasks() throws IOException {
    Path corpus = TestRuns.corpus(folder.resolve("corpus"), 91, 400, 0);
    try (SparkTestCluster cluster = SparkTestCluster.local(8, Serialization.KRYO)) {
      Map<String, Object> many = new HashMap<>(LARGE);
      many.put("training.replicas", 8);
      assertThatThrownBy(() -> train(cluster, corpus, many, List.of()))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("the driver and its 8 tasks hold")
          .hasMessageMatching(".*set spark.driver.memory to \\d{4,5}m.*");
      String[] printed = {""};
      TrainingListener listener =
          new TrainingListener() {
            @Override
            public void started(RunDescription run) {
              printed[0] = run.memory();
            }
          };
      train(cluster, corpus, Map.of("training.epochs", 1), List.of(listener));
      assertThat(printed[0]).matches("driver [\\d,]+ MiB of [\\d,]+ MiB heap .* 2 tasks at once");
    }
  }

  private void train(
      SparkTestCluster cluster,
      Path corpus,
      Map<String, Object> settings,
      List<TrainingListener> listeners)
      throws IOException {
    Trainer.run(
        cluster.context(),
        TestRuns.config(corpus.toString(), folder.resolve("run"), settings),
        TrainOptions.start(),
        listeners);
  }
}
