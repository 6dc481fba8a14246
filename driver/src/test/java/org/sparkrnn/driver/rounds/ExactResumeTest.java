package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.LocalSpark;
import org.sparkrnn.driver.cluster.StopRequest;
import org.sparkrnn.driver.metrics.RoundMetrics;
import org.sparkrnn.driver.metrics.TrainingListener;

/** Promise 2: a run that was cut off and resumed is the run that was not. */
@Timeout(180)
class ExactResumeTest {
  private static final Map<String, Object> SETTINGS =
      Map.of(
          "optimizer.kind",
          "adam",
          "optimizer.learning-rate",
          0.01,
          "outer.kind",
          "nesterov",
          "outer.momentum",
          0.5,
          "schedule.kind",
          "plateau",
          "schedule.factor",
          0.5,
          "evaluation.every-rounds",
          1,
          "model.dropout",
          0.2);

  @RegisterExtension static final LocalSpark spark = new LocalSpark(2);

  @TempDir Path folder;
  private Path corpus;

  @BeforeEach
  void writeCorpus() {
    corpus = TestRuns.corpus(folder.resolve("corpus"), 41, 191, 41);
  }

  @ParameterizedTest
  @CsvSource({"keep-local, int8", "average, bf16", "reset, float32"})
  void stoppingAfterEveryRoundChangesNothing(String moments, String delta) throws IOException {
    Map<String, Object> settings = with("optimizer.state", moments);
    settings.put("round.delta", delta);
    Path whole = folder.resolve("whole");
    train(whole, settings, TrainOptions.start());
    int rounds = TestRuns.metrics(whole).size();
    assertThat(rounds).isGreaterThanOrEqualTo(4);

    Path cut = folder.resolve("cut");
    for (int round = 1; round <= rounds; round++) {
      Map<String, Object> limited = new HashMap<>(settings);
      limited.put("training.max-rounds", round);
      limited.put("round.inline-state-bytes", round % 2 == 0 ? "0" : "8MiB");
      TrainingOutcome outcome = train(cut, limited, TrainOptions.start().resuming());
      assertThat(outcome.state().round()).isEqualTo(round);
      assertThat(outcome.finished()).isTrue();
    }
    assertThat(TestRuns.manifests(cut)).isEqualTo(TestRuns.manifests(whole));
    assertThat(roundsIn(cut)).isEqualTo(IntStream.rangeClosed(1, rounds).boxed().toList());
  }

  @Test
  void aRequestToStopEndsTheRunAfterItsRoundWithACheckpoint() throws IOException {
    Path whole = folder.resolve("whole");
    train(whole, SETTINGS, TrainOptions.start());
    Path stopped = folder.resolve("stopped");
    Map<String, Object> settings = with("checkpoint.every-rounds", 0);
    StopRequest stop = new StopRequest();
    TrainingListener stopping =
        new TrainingListener() {
          @Override
          public void roundEnded(RoundMetrics metrics) {
            if (metrics.round() == 3) {
              stop.request("SIGTERM");
            }
          }
        };
    TrainingOutcome outcome =
        Trainer.run(
            spark.context(),
            TestRuns.config(corpus.toString(), stopped, settings),
            TrainOptions.start().stoppedBy(stop),
            List.of(stopping));
    assertThat(outcome.reason()).isEqualTo("SIGTERM");
    assertThat(outcome.finished()).isFalse();
    assertThat(outcome.state().round()).isEqualTo(3);
    assertThat(outcome.checkpoint()).isPresent();
    assertThat(TestRuns.manifests(whole)).containsAllEntriesOf(TestRuns.manifests(stopped));

    train(stopped, settings, TrainOptions.start().resuming());
    assertThat(TestRuns.manifests(whole)).containsAllEntriesOf(TestRuns.manifests(stopped));
    assertThat(roundsIn(stopped)).isEqualTo(roundsIn(whole));
  }

  @Test
  void aDamagedCheckpointIsPassedOverAndMetricsAreCutBack() throws IOException {
    Path whole = folder.resolve("whole");
    train(whole, SETTINGS, TrainOptions.start());
    Path damaged = folder.resolve("damaged");
    TrainingOutcome outcome = train(damaged, with("training.max-rounds", 3), TrainOptions.start());
    Path model = Path.of(outcome.checkpoint().orElseThrow()).resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(model);
    bytes[bytes.length - 7] ^= 4;
    Files.write(model, bytes);
    Files.writeString(
        damaged.resolve("metrics.jsonl"),
        Files.readString(damaged.resolve("metrics.jsonl")) + "{\"round\": 99}\n{\"rou");

    train(damaged, SETTINGS, TrainOptions.start().resuming());
    assertThat(TestRuns.manifests(damaged)).isEqualTo(TestRuns.manifests(whole));
    assertThat(roundsIn(damaged)).isEqualTo(roundsIn(whole));
  }

  @Test
  void aRunThatIsThereIsNotStartedAgain() throws IOException {
    Path run = folder.resolve("run");
    train(run, with("training.max-rounds", 1), TrainOptions.start());
    Map<String, String> before = TestRuns.manifests(run);
    assertThatThrownBy(() -> train(run, SETTINGS, TrainOptions.start()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining(run.toString())
        .hasMessageContaining("--resume");
    assertThat(TestRuns.manifests(run)).isEqualTo(before);
    assertThat(roundsIn(run)).isEqualTo(List.of(1));
  }

  @Test
  void anotherSemanticSettingIsRefusedWithBothValues() throws IOException {
    Path run = folder.resolve("run");
    train(run, with("training.max-rounds", 1), TrainOptions.start());
    assertThatThrownBy(
            () -> train(run, with("round.local-steps", 7), TrainOptions.start().resuming()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("round.local-steps")
        .hasMessageContaining("7")
        .hasMessageContaining("5");
  }

  @Test
  void aRunWithNothingButDamagedCheckpointsIsLeftAlone() throws IOException {
    Path run = folder.resolve("run");
    TrainingOutcome outcome = train(run, with("training.max-rounds", 1), TrainOptions.start());
    Path manifest = Path.of(outcome.checkpoint().orElseThrow()).resolve("manifest.json");
    Files.writeString(manifest, "{}");
    assertThatThrownBy(() -> train(run, SETTINGS, TrainOptions.start().resuming()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("manifest.json");
    assertThat(manifest).exists();
  }

  @Test
  void aWarmStartTakesParametersAndNothingElse() throws IOException {
    Path run = folder.resolve("run");
    TrainingOutcome outcome = train(run, with("training.max-rounds", 2), TrainOptions.start());
    String from = outcome.checkpoint().orElseThrow();
    Path warm = folder.resolve("warm");
    Map<String, Object> settings = with("optimizer.learning-rate", 0.002);
    TrainingOutcome warmed = train(warm, settings, TrainOptions.start().from(from));
    assertThat(warmed.finished()).isTrue();
    assertThat(roundsIn(warm).get(0)).isEqualTo(1);
    assertThat(firstLoss(warm)).isLessThan(firstLoss(run));

    assertThatThrownBy(
            () ->
                train(
                    folder.resolve("other"),
                    with("model.hidden", 7),
                    TrainOptions.start().from(from)))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining(from);
  }

  private TrainingOutcome train(Path run, Map<String, Object> settings, TrainOptions options)
      throws IOException {
    TrainingConfig config = TestRuns.config(corpus.toString(), run, settings);
    return Trainer.run(spark.context(), config, options, List.of());
  }

  private static Map<String, Object> with(String key, Object value) {
    Map<String, Object> settings = new HashMap<>(SETTINGS);
    settings.put(key, value);
    return settings;
  }

  private static List<Integer> roundsIn(Path run) throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<Integer> rounds = new java.util.ArrayList<>();
    for (String line : TestRuns.metrics(run)) {
      rounds.add(json.readTree(line).get("round").intValue());
    }
    return rounds;
  }

  private static double firstLoss(Path run) throws IOException {
    return new ObjectMapper().readTree(TestRuns.metrics(run).get(0)).get("loss_nats").doubleValue();
  }
}
