package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.driver.LocalSpark;
import org.sparkrnn.driver.metrics.RoundMetrics;
import org.sparkrnn.driver.metrics.TrainingListener;

@Timeout(120)
class TrainerTest {
  @RegisterExtension static final LocalSpark spark = new LocalSpark(2);

  @TempDir Path folder;

  @Test
  void trainingLowersTheLoss() throws IOException {
    Path corpus = TestRuns.corpus(folder.resolve("corpus"), 1, 2000, 300);
    TrainingConfig config =
        TestRuns.config(
            corpus.toString(),
            folder.resolve("run"),
            Map.of("optimizer.kind", "adam", "optimizer.learning-rate", 0.02));
    TrainingOutcome outcome = Trainer.run(spark.context(), config, TrainOptions.start(), List.of());
    assertThat(outcome.finished()).isTrue();
    assertThat(outcome.checkpoint()).isPresent();
    assertThat(outcome.state().bestLoss()).isLessThan(Math.log(TestRuns.VOCABULARY) - 0.3);
  }

  @Test
  void aTimeLimitEndsTheRunBeforeARoundThatWouldOutlastIt() throws IOException {
    Path corpus = TestRuns.corpus(folder.resolve("corpus"), 2, 2000, 300);
    TrainingListener slow =
        new TrainingListener() {
          @Override
          public void roundEnded(RoundMetrics metrics) {
            try {
              Thread.sleep(2_000);
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    Map<String, Object> settings = Map.of("training.max-duration", "3s");
    TrainingOutcome outcome =
        Trainer.run(
            spark.context(),
            TestRuns.config(corpus.toString(), folder.resolve("run"), settings),
            TrainOptions.start(),
            List.of(slow));
    // After the first round less than two seconds are left, and it took longer than that.
    assertThat(outcome.state().round()).isEqualTo(1);
    assertThat(outcome.reason()).isEqualTo("time limit training.max-duration");
    assertThat(outcome.finished()).isFalse();
    assertThat(outcome.checkpoint()).isPresent();
  }

  @Test
  void aCorpusThatGrewTakesEffectAtTheNextEpoch() throws IOException {
    Path corpus = TestRuns.corpus(folder.resolve("corpus"), 3, 600, 100);
    Path run = folder.resolve("run");
    Trainer.run(
        spark.context(),
        TestRuns.config(corpus.toString(), run, Map.of("training.max-rounds", 2)),
        TrainOptions.start(),
        List.of());
    // 100 columns of 3 streams for each of 2 replicas make 25 windows of 4 and 5 rounds of 5 steps.
    TestRuns.corpus(corpus, 3, 1200, 100);
    List<RoundMetrics> rounds = new ArrayList<>();
    TrainingOutcome outcome =
        Trainer.run(
            spark.context(),
            TestRuns.config(corpus.toString(), run, Map.of()),
            TrainOptions.start().resuming(),
            List.of(
                new TrainingListener() {
                  @Override
                  public void roundEnded(RoundMetrics metrics) {
                    rounds.add(metrics);
                  }
                }));
    assertThat(rounds.stream().filter(metrics -> metrics.epoch() == 0)).hasSize(3);
    assertThat(rounds.stream().filter(metrics -> metrics.epoch() == 1)).hasSize(10);
    assertThat(outcome.finished()).isTrue();
    assertThat(outcome.state().plan().tokens()).isEqualTo(1200);
  }
}
