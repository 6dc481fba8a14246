package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;

@Timeout(120)
class TrainerTest {
  private static SparkTestCluster cluster;

  @TempDir Path folder;

  @BeforeAll
  static void startSpark() {
    cluster = SparkTestCluster.local(2, Serialization.KRYO);
  }

  @AfterAll
  static void stopSpark() {
    cluster.close();
  }

  @Test
  void trainingLowersTheLoss() throws IOException {
    Path corpus = TestRuns.corpus(folder.resolve("corpus"), 1, 2000, 300);
    TrainingConfig config =
        TestRuns.config(
            corpus.toString(),
            folder.resolve("run"),
            Map.of("optimizer.kind", "adam", "optimizer.learning-rate", 0.02));
    TrainingOutcome outcome =
        Trainer.run(cluster.context(), config, TrainOptions.start(), List.of());
    assertThat(outcome.finished()).isTrue();
    assertThat(outcome.checkpoint()).isPresent();
    assertThat(outcome.state().bestLoss()).isLessThan(Math.log(TestRuns.VOCABULARY) - 0.3);
  }
}
