package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;

/** Whole runs of models with an adaptive or a sampled softmax. */
class LargeVocabularyTest {
  /** Of a text whose words are in the order of frequency, as far as the clusters go. */
  private static final long SEED = 28;

  @TempDir Path folder;

  private TrainingConfig config(Path corpus, String softmax, String run, int rounds) {
    Map<String, Object> settings = new HashMap<>();
    settings.put("model.softmax", softmax);
    settings.put("model.softmax-cutoffs", "3,7");
    settings.put("model.softmax-samples", 4);
    settings.put("batch.streams", 2);
    settings.put("batch.window", 2);
    settings.put("evaluation.every-rounds", 2);
    settings.put("model.dropout", 0.2);
    settings.put("optimizer.kind", "adam");
    settings.put("training.max-rounds", rounds);
    return TestRuns.config(corpus.toString(), folder.resolve(run), settings);
  }

  private Path corpus(long seed) {
    return TestRuns.corpus(folder.resolve("corpus"), seed, 191, 41);
  }

  private static void train(SparkTestCluster cluster, TrainingConfig config, boolean resume)
      throws IOException {
    TrainOptions options = resume ? TrainOptions.start().resuming() : TrainOptions.start();
    Trainer.run(cluster.context(), config, options, List.of());
  }

  @ParameterizedTest
  @ValueSource(strings = {"adaptive", "sampled"})
  void theBytesDoNotDependOnThreadsOrOnAResume(String softmax) throws IOException {
    Path corpus = corpus(SEED);
    try (SparkTestCluster cluster = SparkTestCluster.local(1, Serialization.JAVA)) {
      train(cluster, config(corpus, softmax, "whole", 4), false);
    }
    try (SparkTestCluster cluster = SparkTestCluster.local(2, Serialization.KRYO)) {
      train(cluster, config(corpus, softmax, "resumed", 2), false);
      train(cluster, config(corpus, softmax, "resumed", 4), true);
    }
    assertThat(TestRuns.manifests(folder.resolve("resumed")))
        .isEqualTo(TestRuns.manifests(folder.resolve("whole")))
        .hasSize(4);
    assertThat(TestRuns.metrics(folder.resolve("whole")).get(3)).contains("validation_loss_nats");
  }

  @ParameterizedTest
  @ValueSource(strings = {"adaptive", "sampled"})
  void wordsInAnotherOrderAreRefusedBeforeARound(String softmax) throws IOException {
    Path corpus = corpus(31);
    try (SparkTestCluster cluster = SparkTestCluster.local(1, Serialization.JAVA)) {
      assertThatThrownBy(() -> train(cluster, config(corpus, softmax, "refused", 4), false))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("model.softmax = " + softmax)
          .hasMessageContaining("not in the order of frequency");
    }
    assertThat(folder.resolve("refused").resolve("metrics.jsonl")).doesNotExist();
  }
}
