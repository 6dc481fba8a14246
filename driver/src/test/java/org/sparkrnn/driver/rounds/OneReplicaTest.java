package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.storage.LocalFiles;
import org.sparkrnn.driver.LocalSpark;
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.training.PlainTrainer;
import org.sparkrnn.worker.training.TrainingCheckpoint;
import org.sparkrnn.worker.training.TrainingState;

/** Promise 4: one replica on Spark is the plain algorithm, however it is cut into rounds. */
@Timeout(180)
class OneReplicaTest {
  private static final List<Integer> LOCAL_STEPS = List.of(1, 3, 1000);

  @RegisterExtension static final LocalSpark spark = new LocalSpark(2);

  @TempDir Path folder;
  private Path corpus;

  @BeforeEach
  void writeCorpus() {
    corpus = TestRuns.corpus(folder.resolve("corpus"), 51, 93, 41);
  }

  @ParameterizedTest
  @CsvSource({
    "lstm, sgd, keep-local, 0.5, token-mean",
    "gru, adam, keep-local, 0.01, sum-time-mean-batch",
    "lstm, rmsprop, average, 0.01, token-mean",
    "gru, sgd, average, 0.5, token-mean"
  })
  void equalsThePlainTrainerByteForByte(
      String cell, String optimizer, String moments, double rate, String reduction)
      throws IOException {
    Map<String, Object> settings = new HashMap<>();
    settings.put("training.replicas", 1);
    settings.put("round.delta", "int8"); // of which one replica takes no notice
    settings.put("model.cell", cell);
    settings.put("model.dropout", 0.25);
    settings.put("optimizer.kind", optimizer);
    settings.put("optimizer.state", moments);
    settings.put("optimizer.learning-rate", rate);
    settings.put("loss.reduction", reduction);
    settings.put("schedule.kind", "cosine");
    settings.put("schedule.warmup-tokens", 50);
    settings.put("clipping.norm", 0.3);
    Path first = train(settings, LOCAL_STEPS.get(0));
    for (int localSteps : LOCAL_STEPS.subList(1, LOCAL_STEPS.size())) {
      Path other = train(settings, localSteps);
      for (String file : List.of("model.safetensors", "replica-0.safetensors")) {
        assertThat(other.resolve(file))
            .as("%s at %d local steps", file, localSteps)
            .hasSameBinaryContentAs(first.resolve(file));
      }
    }
  }

  /** With vectors from a file that stay as they are. */
  @Test
  void equalsThePlainTrainerWithPretrainedVectors() throws IOException {
    LocalFiles files = new LocalFiles();
    List<String> words = new CorpusReader(files, corpus.toString()).vocabulary().tokens();
    String line = words.get(3) + " 0.5 -1 2 0.25";
    Map<String, Object> settings = new HashMap<>();
    settings.put("training.replicas", 1);
    settings.put("model.embedding", 4);
    settings.put("model.frozen-embedding", true);
    settings.put(
        "model.pretrained-embeddings",
        Files.writeString(folder.resolve("vectors.txt"), line + "\n").toString());
    Path run = train(settings, 3).getParent();
    float[] parameters =
        TrainingCheckpoint.open(new CheckpointStore(files, run.toString()).newest().orElseThrow())
            .trainedParameters();
    assertThat(Arrays.copyOfRange(parameters, 12, 16)).containsExactly(0.5f, -1, 2, 0.25f);
  }

  /** Trains on Spark and without it, compares, and returns the last checkpoint. */
  private Path train(Map<String, Object> settings, int localSteps) throws IOException {
    Map<String, Object> all = new HashMap<>(settings);
    all.put("round.local-steps", localSteps);
    Path onSpark = folder.resolve("spark-" + localSteps);
    TrainingOutcome outcome =
        Trainer.run(spark.context(), config(onSpark, all), TrainOptions.start(), List.of());

    Path plain = folder.resolve("plain-" + localSteps);
    LocalFiles files = new LocalFiles();
    TrainingState state =
        PlainTrainer.run(
            config(plain, all),
            files,
            new CorpusReader(files, corpus.toString()),
            new JavaKernel(),
            false,
            () -> false);
    assertThat(outcome.state()).isEqualTo(state);
    assertThat(TestRuns.manifests(onSpark)).hasSizeGreaterThanOrEqualTo(2);
    assertThat(TestRuns.manifests(onSpark)).isEqualTo(TestRuns.manifests(plain));
    Path last = Path.of(outcome.checkpoint().orElseThrow());
    for (String file : List.of("model.safetensors", "replica-0.safetensors", "state.json")) {
      assertThat(Files.mismatch(last.resolve(file), plain.resolve(last.getFileName() + "/" + file)))
          .as(file)
          .isEqualTo(-1);
    }
    return last;
  }

  private TrainingConfig config(Path run, Map<String, Object> settings) {
    return TestRuns.config(corpus.toString(), run, settings);
  }
}
