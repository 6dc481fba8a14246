package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.ClusterFailedException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.errors.DivergedException;
import org.sparkrnn.driver.LocalSpark;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.driver.cluster.StopRequest;
import org.sparkrnn.driver.metrics.RoundMetrics;
import org.sparkrnn.driver.metrics.TrainingListener;

/** What goes wrong ends in one sentence, in bounded time, with the last good checkpoint kept. */
@Timeout(120)
class FailureTest {
  @RegisterExtension
  static final LocalSpark spark =
      new LocalSpark(
          2,
          Map.of(
              "spark.master",
              "local[2,2]",
              "spark.driver.maxResultSize",
              "1m",
              FaultyFileSystem.SETTING,
              FaultyFileSystem.class.getName()));

  @TempDir Path folder;
  private Path corpus;
  private Path run;

  @BeforeEach
  void writeCorpus() {
    corpus = TestRuns.corpus(folder.resolve("corpus"), 61, 191, 41);
    run = folder.resolve("run");
  }

  @Test
  void divergenceNamesRoundReplicaAndStepAndKeepsTheCheckpointBefore() throws IOException {
    // Adam moves each weight by the learning rate: finite at first, beyond float after some steps.
    Map<String, Object> settings =
        Map.of("optimizer.kind", "adam", "optimizer.learning-rate", 3e37, "round.local-steps", 1);
    assertThatThrownBy(() -> train(corpus.toString(), settings))
        .isInstanceOf(DivergedException.class)
        .hasMessageMatching(".*round \\d+, replica 0, local step \\d+ .*");
    Map<String, String> kept = TestRuns.manifests(run);
    assertThat(kept).isNotEmpty();
    assertThat(TestRuns.metrics(run)).hasSameSizeAs(kept.keySet());
    assertThat(run.resolve("work")).doesNotExist();
  }

  @Test
  void aDamagedShardIsNamedWithoutTryingAgain() throws IOException {
    Path shard = corpus.resolve("train/shard-00001.npy");
    byte[] bytes = Files.readAllBytes(shard);
    bytes[bytes.length - 3] ^= 1;
    Files.write(shard, bytes);
    assertThatThrownBy(() -> train(corpus.toString(), Map.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining(shard.toString());
    assertThat(run).doesNotExist();
  }

  @Test
  void aMissingShardIsNamed() throws IOException {
    Files.delete(corpus.resolve("train/shard-00000.npy"));
    assertThatThrownBy(() -> train(corpus.toString(), Map.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("shard-00000.npy");
  }

  @Test
  void aCorpusThatIsTooShortIsRefusedBeforeAnyJob() {
    TestRuns.corpus(corpus, 62, 5, 0);
    assertThatThrownBy(() -> train(corpus.toString(), Map.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("5 tokens");
    assertThat(run).doesNotExist();
  }

  @Test
  void tooManyTaskFailuresEndTheRun() {
    assertThatThrownBy(() -> train("faulty://fail" + corpus, Map.of()))
        .isInstanceOf(ClusterFailedException.class)
        .hasMessageContaining("round 1")
        .hasMessageContaining("failed 2 times")
        .hasMessageContaining("injected failure of every attempt");
  }

  @Test
  void aRoundThatHangsEndsAtItsTimeout() {
    assertThatThrownBy(() -> train("faulty://hang" + corpus, Map.of("round.timeout", "1s")))
        .isInstanceOf(ClusterFailedException.class)
        .hasMessageContaining("round 1")
        .hasMessageContaining("round.timeout = 1s");
  }

  @Test
  void aRoundThatOutlastsTheGraceIsGivenUpAndWhatCameBeforeIsKept() throws IOException {
    Map<String, Object> settings = new HashMap<>();
    settings.put("checkpoint.every-rounds", 0);
    settings.put("training.max-rounds", 1);
    train(corpus.toString(), settings);
    Map<String, String> before = TestRuns.manifests(run);
    assertThat(before).hasSize(1);

    settings.remove("training.max-rounds");
    settings.put("training.stop-grace", "500ms");
    StopRequest stop = new StopRequest();
    Thread signal =
        new Thread(
            () -> {
              try {
                Thread.sleep(2_000);
              } catch (InterruptedException e) {
                return;
              }
              stop.request("SIGTERM");
            });
    signal.start();
    TrainingOutcome outcome =
        Trainer.run(
            spark.context(),
            TestRuns.config("faulty://hang" + corpus, run, settings),
            TrainOptions.start().resuming().stoppedBy(stop),
            List.of());
    assertThat(outcome.reason()).isEqualTo("SIGTERM");
    assertThat(outcome.finished()).isFalse();
    assertThat(outcome.state().round()).isEqualTo(1);
    assertThat(outcome.checkpoint()).isPresent();
    assertThat(TestRuns.manifests(run)).isEqualTo(before);
  }

  @Test
  void roundsBeforeAFailureAreSavedAndTheRunGoesOnFromThere() throws IOException {
    Path whole = folder.resolve("whole");
    Trainer.run(
        spark.context(),
        TestRuns.config(corpus.toString(), whole, Map.of()),
        TrainOptions.start(),
        List.of());
    TrainingListener failing =
        new TrainingListener() {
          @Override
          public void roundEnded(RoundMetrics metrics) {
            if (metrics.round() == 2) {
              throw new ClusterFailedException("Cannot go on: injected");
            }
          }
        };
    TrainingConfig config =
        TestRuns.config(corpus.toString(), run, Map.of("checkpoint.every-rounds", 0));
    assertThatThrownBy(
            () -> Trainer.run(spark.context(), config, TrainOptions.start(), List.of(failing)))
        .isInstanceOf(ClusterFailedException.class);
    assertThat(TestRuns.manifests(run)).hasSize(1);
    assertThat(TestRuns.manifests(whole)).containsAllEntriesOf(TestRuns.manifests(run));

    Trainer.run(spark.context(), config, TrainOptions.start().resuming(), List.of());
    assertThat(TestRuns.manifests(whole)).containsAllEntriesOf(TestRuns.manifests(run));
  }

  @Test
  void aContextThatIsStoppedUnderTheRunIsAClusterThatFailed() throws IOException {
    // As when the master is lost: Spark stops the context by itself.
    spark.stop();
    try (SparkTestCluster lost = SparkTestCluster.local(1, Serialization.JAVA)) {
      TrainingListener stopping =
          new TrainingListener() {
            @Override
            public void roundEnded(RoundMetrics metrics) {
              lost.context().stop();
            }
          };
      TrainingConfig config = TestRuns.config(corpus.toString(), run, Map.of());
      assertThatThrownBy(
              () -> Trainer.run(lost.context(), config, TrainOptions.start(), List.of(stopping)))
          .isInstanceOf(ClusterFailedException.class)
          .hasMessageContaining("round 2");
      assertThat(TestRuns.manifests(run)).hasSize(1);
    } finally {
      spark.start();
    }
  }

  @Test
  void resultsThatTheDriverMayNotTakeAreRefusedWithSparksSetting() {
    assertThatThrownBy(() -> train(corpus.toString(), Map.of("model.hidden", 300)))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("spark.driver.maxResultSize");
    assertThat(run).doesNotExist();
  }

  @Test
  void aSettingThatIsMissingIsNamed() {
    assertThatThrownBy(() -> train("", Map.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("corpus.path");
  }

  @Test
  void aDamagedVocabularyIsRefused() throws IOException {
    Files.writeString(corpus.resolve("vocabulary.json"), "{}");
    assertThatThrownBy(() -> train(corpus.toString(), Map.of()))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("vocabulary.json");
  }

  private TrainingOutcome train(String corpusPath, Map<String, Object> settings)
      throws IOException {
    return Trainer.run(
        spark.context(),
        TestRuns.config(corpusPath, run, settings),
        TrainOptions.start(),
        List.of());
  }
}
