package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.storage.LocalFiles;
import org.sparkrnn.driver.LocalSpark;
import org.sparkrnn.driver.metrics.RunDescription;
import org.sparkrnn.driver.metrics.TrainingListener;
import org.sparkrnn.worker.training.TrainingCheckpoint;

/** One replica in the place of all, then all from what it has learnt. */
@Timeout(180)
class WarmupTest {
  private static final int STEPS = 7; // a round of five and one of two

  private static final int STREAMS = 8;
  private static final int WINDOW = 4;
  private static final long SEED = 61;

  private static final Map<String, Object> SETTINGS =
      Map.of(
          "training.replicas",
          5,
          "batch.streams",
          "auto",
          "batch.global-streams",
          8,
          "round.warmup-steps",
          STEPS,
          "optimizer.kind",
          "adam",
          "optimizer.learning-rate",
          0.01,
          "schedule.kind",
          "cosine",
          "training.epochs",
          1,
          "model.dropout",
          0.2);

  @RegisterExtension static final LocalSpark spark = new LocalSpark(2);

  @TempDir Path folder;
  private Path corpus;

  @BeforeEach
  void writeCorpus() {
    corpus = TestRuns.corpus(folder.resolve("corpus"), SEED, 641, 61);
  }

  @ParameterizedTest
  @ValueSource(strings = {"keep-local", "average", "reset"})
  void itEndsWhereOneReplicaWould(String moments) throws IOException {
    Map<String, Object> settings = with("optimizer.state", moments);
    settings.put("schedule.kind", "constant"); // cosine knows how long the epoch is
    settings.put("training.max-rounds", 2);
    train("warmed", settings);
    corpus = TestRuns.corpus(folder.resolve("beginning"), SEED, STEPS * STREAMS * WINDOW + 1, 61);
    settings.putAll(
        Map.of("training.replicas", 1, "batch.streams", STREAMS, "outer.kind", "average"));
    settings.put("training.max-rounds", 1);
    settings.put("round.local-steps", STEPS);
    train("alone", settings);
    TrainingCheckpoint warmed = checkpoint("warmed");
    TrainingCheckpoint alone = checkpoint("alone");
    if (!moments.equals("reset")) { // which depends on the number of rounds
      assertThat(warmed.parameters()).isEqualTo(alone.parameters());
      assertThat(warmed.replica(0).moments()).isEqualTo(alone.replica(0).moments());
    }
    assertThat(warmed.state().tokens()).isEqualTo(alone.state().tokens());
    assertThat(warmed.state().epoch()).isZero();
    assertThat(alone.state().epoch()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"keep-local", "average"})
  void stoppingAfterEveryRoundChangesNothing(String moments) throws IOException {
    Map<String, Object> settings = with("optimizer.state", moments);
    TrainingOutcome outcome = train("whole", settings);
    long rounds = outcome.state().round();
    assertThat(outcome.state().plan().replicas()).isEqualTo(5);
    assertThat(rounds).isGreaterThan(4);
    for (int round = 1; round <= rounds; round++) {
      Map<String, Object> limited = new HashMap<>(settings);
      limited.put("training.max-rounds", round);
      limited.put("round.inline-state-bytes", round % 2 == 0 ? "0" : "8MiB");
      assertThat(train("cut", limited).state().round()).isEqualTo(round);
    }
    assertThat(TestRuns.manifests(folder.resolve("cut")))
        .isEqualTo(TestRuns.manifests(folder.resolve("whole")));
  }

  @Test
  void itIsToldAsLongAsItLasts() throws IOException {
    Map<String, Object> settings = new HashMap<>(SETTINGS);
    List<String> told = new ArrayList<>();
    for (int rounds = 1; rounds <= 4; rounds++) {
      settings.put("training.max-rounds", rounds);
      train("run", settings, told);
    }
    String warmup = "one replica with 8 streams takes the first 7 steps, then all go on from there";
    assertThat(told).containsExactly(warmup, warmup, warmup, "");
  }

  private static Map<String, Object> with(String key, Object value) {
    Map<String, Object> settings = new HashMap<>(SETTINGS);
    settings.put(key, value);
    return settings;
  }

  private TrainingOutcome train(String run, Map<String, Object> settings) throws IOException {
    return train(run, settings, new ArrayList<>());
  }

  private TrainingOutcome train(String run, Map<String, Object> settings, List<String> told)
      throws IOException {
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void started(RunDescription description) {
            told.add(description.warmup());
          }
        };
    return Trainer.run(
        spark.context(),
        TestRuns.config(corpus.toString(), folder.resolve(run), settings),
        TrainOptions.start().resuming(),
        List.of(listener));
  }

  private TrainingCheckpoint checkpoint(String run) throws IOException {
    CheckpointStore store = new CheckpointStore(new LocalFiles(), folder.resolve(run).toString());
    return TrainingCheckpoint.open(store.newest().orElseThrow());
  }
}
