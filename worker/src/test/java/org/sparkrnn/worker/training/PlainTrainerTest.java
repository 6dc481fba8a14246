package org.sparkrnn.worker.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.checkpoint.CheckpointWriter;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.errors.DivergedException;
import org.sparkrnn.common.storage.FakeFiles;
import org.sparkrnn.common.storage.MemoryFiles;
import org.sparkrnn.worker.kernel.JavaKernel;

class PlainTrainerTest {
  private final MemoryFiles files = new MemoryFiles();
  private CorpusReader corpus;

  @BeforeEach
  void writeCorpus() throws IOException {
    corpus = Runs.corpus(files, "corpus", Runs.tokens(101, 1), Runs.tokens(40, 2));
  }

  /** Settings of a run in a sub-folder: 7 steps an epoch, a checkpoint after every one of them. */
  private TrainingConfig config(String run, String... settings) {
    String[] all = new String[settings.length + 4];
    System.arraycopy(settings, 0, all, 4, settings.length);
    all[0] = "checkpoint.path=" + run;
    all[1] = "checkpoint.every-rounds=1";
    all[2] = "checkpoint.keep-last=1000";
    all[3] = "round.local-steps=1";
    return Runs.config(all);
  }

  private TrainingState train(TrainingConfig config, boolean resume) throws IOException {
    return PlainTrainer.run(config, files, corpus, new JavaKernel(), resume, () -> false);
  }

  /** The compared files of a step, as text of their bytes. */
  private Map<String, String> bytes(String run, long step) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    String directory = run + "/step-" + step;
    for (String path : files.below(directory)) {
      String name = path.substring(directory.length() + 1);
      if (!name.equals("run.json")) {
        contents.put(name, new String(files.content(path), StandardCharsets.ISO_8859_1));
      }
    }
    return contents;
  }

  private long[] steps(String run) throws IOException {
    return new CheckpointStore(files, run).steps().stream().mapToLong(Long::longValue).toArray();
  }

  @ParameterizedTest
  @CsvSource({
    "lstm, 0, false, sgd",
    "gru, 0, true, adam",
    "lstm, 5, true, rmsprop",
    "gru, 0, false, momentum"
  })
  void runResumedAfterAnyStepEndsInTheSameBytes(
      String cell, int projection, boolean normalised, String optimizer) throws IOException {
    String[] settings = {
      "model.cell=" + cell,
      "model.projection=" + projection,
      "model.layer-normalization=" + normalised,
      "optimizer.kind=" + optimizer,
      "optimizer.learning-rate=0.02",
      "model.dropout=0.4",
      "model.recurrent-weight-dropout=0.2",
      "model.zoneout-hidden=0.1",
      "clipping.norm=0.3",
      "schedule.kind=plateau",
      "schedule.factor=0.5",
      "evaluation.every-rounds=2"
    };
    TrainingState end = train(config("whole", settings), false);
    assertThat(end.step()).isEqualTo(14);
    for (int stopAfter = 1; stopAfter < 14; stopAfter++) {
      String run = "resumed-" + stopAfter;
      String[] fewer = java.util.Arrays.copyOf(settings, settings.length + 2);
      fewer[settings.length] = "checkpoint.every-rounds=0"; // each costs a dozen fsyncs
      fewer[settings.length + 1] = "training.max-rounds=" + stopAfter;
      assertThat(train(config(run, fewer), false).step()).isEqualTo(stopAfter);
      assertThat(bytes(run, stopAfter)).isEqualTo(bytes("whole", stopAfter));
      fewer[settings.length + 1] = "training.max-rounds=0";
      train(config(run, fewer), true);
      assertThat(bytes(run, 14)).isEqualTo(bytes("whole", 14));
    }
  }

  @Test
  void runWithAdaptiveSoftmaxResumedEndsInTheSameBytes() throws IOException {
    int[] text = Runs.byFrequency(Runs.tokens(101, 1));
    corpus = Runs.corpus(files, "ordered", text, Runs.tokens(40, 2));
    String[] settings = {
      "model.softmax=adaptive",
      "model.softmax-cutoffs=3,7",
      "model.dropout=0.2",
      "optimizer.kind=adam",
      "evaluation.every-rounds=2",
      "training.max-rounds=5"
    };
    train(config("whole", settings), false);
    settings[5] = "training.max-rounds=2";
    train(config("resumed", settings), false);
    settings[5] = "training.max-rounds=5";
    assertThat(train(config("resumed", settings), true).bestLoss()).isPositive();
    assertThat(bytes("resumed", 5)).isEqualTo(bytes("whole", 5)).isNotEmpty();
  }

  @Test
  void adaptiveSoftmaxOnWordsInAnotherOrderIsRefused() throws IOException {
    int[] text = Runs.byFrequency(Runs.tokens(101, 1));
    for (int i = 0; i < text.length; i++) {
      text[i] = Runs.VOCABULARY - 1 - text[i];
    }
    corpus = Runs.corpus(files, "reversed", text, Runs.tokens(40, 2));
    assertThatThrownBy(
            () -> train(config("new", "model.softmax=adaptive", "model.softmax-cutoffs=3"), false))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining(
            "Cannot use model.softmax = adaptive: the vocabulary is not in the order")
        .hasMessageContaining("words 0 to 2 occur")
        .hasMessageContaining("words 3 to 10");
    assertThat(steps("new")).isEmpty();
    train(config("new", "training.max-rounds=1"), false);
  }

  @Test
  void runWithSampledSoftmaxResumedEndsInTheSameBytes() throws IOException {
    int[] text = Runs.byFrequency(Runs.tokens(101, 1));
    corpus = Runs.corpus(files, "ordered", text, Runs.tokens(40, 2));
    String[] settings = {
      "model.softmax=sampled",
      "model.softmax-samples=5",
      "batch.streams=1",
      "model.dropout=0.2",
      "optimizer.kind=adam",
      "evaluation.every-rounds=2",
      "training.max-rounds=5"
    };
    train(config("whole", settings), false);
    settings[6] = "training.max-rounds=2";
    train(config("resumed", settings), false);
    settings[6] = "training.max-rounds=5";
    assertThat(train(config("resumed", settings), true).bestLoss()).isPositive();
    assertThat(bytes("resumed", 5)).isEqualTo(bytes("whole", 5)).isNotEmpty();
  }

  /** Losses of evaluations are those of all words. */
  @Test
  void aSampledSoftmaxLearnsWhatTheFullOneLearns() throws IOException {
    int[] text = Runs.byFrequency(Runs.tokens(4_001, 1));
    int[] valid = Arrays.copyOfRange(text, 2_000, 3_000);
    corpus = Runs.corpus(files, "ordered", text, valid);
    String[] settings = {
      "batch.streams=1",
      "batch.window=2",
      "optimizer.kind=adam",
      "optimizer.learning-rate=0.003",
      "training.epochs=4",
      "round.local-steps=1000",
      "model.softmax-samples=5",
      "model.softmax=full"
    };
    double full = train(config("full", settings), false).bestLoss();
    settings[7] = "model.softmax=sampled";
    double sampled = train(config("sampled", settings), false).bestLoss();
    assertThat(full).isLessThan(1.5); // log 11 is 2.4
    assertThat(sampled).isCloseTo(full, within(0.2)); // five of eleven words are few
  }

  @Test
  void aSampleThatDoesNotFitIsRefused() throws IOException {
    for (int samples : new int[] {4, 6}) {
      String[] settings = {
        "model.softmax=sampled", "model.softmax-samples=" + samples, "batch.streams=1"
      };
      assertThatThrownBy(() -> train(config("new", settings), false))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("Cannot use model.softmax-samples = " + samples)
          .hasMessageContaining("at least 5, the positions of a window, and at most 5, half");
    }
    assertThat(steps("new")).isEmpty();
  }

  /** Drawn windows, averaged parameters and everything that is dropped. */
  @ParameterizedTest
  @CsvSource({"nt-asgd, 3", "asgd, 0"})
  void runOfAwdResumedAfterAnyStepEndsInTheSameBytes(String optimizer, String start)
      throws IOException {
    String[] settings = {
      "optimizer.kind=" + optimizer,
      "optimizer.state=average",
      "optimizer.averaging-start=" + start,
      "optimizer.non-monotone=1",
      "optimizer.learning-rate=4",
      "optimizer.weight-decay=1e-4",
      "batch.window=10",
      "batch.window-lengths=drawn",
      "model.hidden=9,6",
      "model.tied=true",
      "model.dropout-kind=variational",
      "model.dropout=0.2",
      "model.embedding-dropout=0.1",
      "model.word-dropout=0.1",
      "model.recurrent-weight-dropout=0.5",
      "model.zoneout-hidden=0.1",
      "model.zoneout-cell=0.2",
      "loss.activation-penalty=2",
      "loss.temporal-penalty=1",
      "clipping.norm=0.3",
      "training.epochs=3",
      "evaluation.every-rounds=1"
    };
    TrainingConfig config = config("whole", settings);
    TrainingState end = train(config, false);
    assertThat(end.averagesParameters(config)).isTrue();
    TrainingCheckpoint last =
        TrainingCheckpoint.open(new CheckpointStore(files, "whole").newest().orElseThrow());
    assertThat(last.parameters()).isNotEqualTo(last.trainedParameters());
    assertThat(last.parameters()).isEqualTo(last.replica(0).moments());
    assertThat(end.tokens()).isEqualTo(3 * end.plan().trainedTokens());
    for (int stopAfter = 1; stopAfter < end.step(); stopAfter++) {
      String run = "resumed-" + stopAfter;
      String[] fewer = java.util.Arrays.copyOf(settings, settings.length + 2);
      fewer[settings.length] = "checkpoint.every-rounds=0";
      fewer[settings.length + 1] = "training.max-rounds=" + stopAfter;
      assertThat(train(config(run, fewer), false).step()).isEqualTo(stopAfter);
      assertThat(bytes(run, stopAfter)).isEqualTo(bytes("whole", stopAfter));
      fewer[settings.length + 1] = "training.max-rounds=0";
      train(config(run, fewer), true);
      assertThat(bytes(run, end.step())).isEqualTo(bytes("whole", end.step()));
    }
  }

  @Test
  void runKilledAtAnyChangeOfAFileAndResumedEndsInTheSameBytes() throws IOException {
    String[] settings = {
      "checkpoint.every-rounds=0",
      "checkpoint.keep-last=1",
      "optimizer.kind=adam",
      "model.dropout=0.3",
      "round.local-steps=7"
    };
    train(config("whole", settings), false);
    Map<String, String> end = bytes("whole", 14);
    boolean survived = false;
    int changes = 0;
    while (!survived) {
      TrainingConfig config = config("killed-" + changes, settings);
      FakeFiles mortal = new FakeFiles(files);
      mortal.failAfter(changes);
      try {
        PlainTrainer.run(config, mortal, corpus, new JavaKernel(), false, () -> false);
        survived = true;
      } catch (IOException killed) {
        train(config, true);
      }
      assertThat(bytes("killed-" + changes, 14)).as("%d changes", changes).isEqualTo(end);
      changes++;
    }
    assertThat(changes).isGreaterThan(40); // two checkpoints of eight files, one deletion
  }

  @Test
  void checkpointHasTheFilesOfTheFormat() throws IOException {
    train(config("run", "optimizer.kind=adam", "training.max-rounds=1"), false);
    assertThat(bytes("run", 1).keySet())
        .containsExactly(
            "config.json",
            "manifest.json",
            "model.safetensors",
            "replica-0.safetensors",
            "state.json",
            "vocabulary.json");
  }

  @Test
  void localStepsOfARoundChangeNothingButTheSettings() throws IOException {
    train(config("one", "model.dropout=0.2"), false);
    train(config("many", "model.dropout=0.2", "round.local-steps=5"), false);
    for (String name : new String[] {"model.safetensors", "replica-0.safetensors"}) {
      assertThat(bytes("many", 14).get(name)).isEqualTo(bytes("one", 14).get(name));
    }
  }

  @Test
  void damagedNewestCheckpointIsPassedOver() throws IOException {
    train(config("whole"), false);
    train(config("damaged", "training.max-rounds=9"), false);
    byte[] content = files.content("damaged/step-9/replica-0.safetensors");
    content[content.length / 2] ^= 1;
    files.delete("damaged/step-8/manifest.json");
    train(config("damaged"), true);
    assertThat(bytes("damaged", 14)).isEqualTo(bytes("whole", 14));
    assertThat(bytes("damaged", 9)).isEqualTo(bytes("whole", 9));
  }

  @Test
  void filesOfDifferentRunsAreNoCheckpoint() throws IOException {
    train(config("run", "training.max-rounds=2"), false);
    train(config("other", "training.max-rounds=2", "batch.window=7"), false);
    CheckpointWriter writer = new CheckpointStore(files, "mixed").begin(2);
    for (Map.Entry<String, String> file : bytes("run", 2).entrySet()) {
      if (!file.getKey().equals("manifest.json")) {
        String from = file.getKey().equals("state.json") ? "other" : "run";
        writer.add(file.getKey(), files.content(from + "/step-2/" + file.getKey()));
      }
    }
    writer.commit();
    assertThatThrownBy(() -> TrainingCheckpoint.open(new CheckpointStore(files, "mixed").at(2)))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("mixed/step-2/state.json");
  }

  @Test
  void retentionKeepsTheLastAndTheBest() throws IOException {
    TrainingState end =
        train(
            config(
                "run",
                "training.epochs=4",
                "checkpoint.keep-last=2",
                "checkpoint.every-rounds=0",
                "optimizer.kind=adam",
                "optimizer.learning-rate=0.5"),
            false);
    assertThat(end.bestStep()).isLessThan(21);
    assertThat(steps("run")).containsExactly(end.bestStep(), 21, 28);
  }

  @Test
  void existingRunIsNotOverwritten() throws IOException {
    TrainingConfig config = config("run", "training.max-rounds=2");
    train(config, false);
    Map<String, String> before = bytes("run", 2);
    assertThatThrownBy(() -> train(config, false))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("run");
    assertThat(bytes("run", 2)).isEqualTo(before);
  }

  @Test
  void resumingWhatHasEndedChangesNothing() throws IOException {
    train(config("run"), false);
    Map<String, String> before = bytes("run", 14);
    assertThat(train(config("run"), true).step()).isEqualTo(14);
    assertThat(bytes("run", 14)).isEqualTo(before);
  }

  @Test
  void resumeRefusesAnotherHiddenSizeAndNamesBoth() throws IOException {
    train(config("run", "training.max-rounds=1"), false);
    assertThatThrownBy(() -> train(config("run", "model.hidden=10"), true))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("model.hidden")
        .hasMessageContaining("10")
        .hasMessageContaining("9");
  }

  @Test
  void resumeWithoutARunStartsOne() throws IOException {
    assertThat(train(config("run", "training.max-rounds=1"), true).step()).isEqualTo(1);
  }

  @Test
  void corpusOfOneTokenIsRefused() throws IOException {
    corpus = Runs.corpus(files, "short", new int[1], Runs.tokens(40, 2));
    assertThatThrownBy(() -> train(config("run"), false))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("Cannot train on 1 tokens");
    assertThat(files.exists("run")).isFalse();
  }

  @Test
  void divergingRunKeepsItsLastGoodCheckpoint() throws IOException {
    TrainingConfig config = config("run", "optimizer.learning-rate=1e39");
    assertThatThrownBy(() -> train(config, false)).isInstanceOf(DivergedException.class);
    assertThat(files.exists("run/step-1")).isFalse();
  }

  @Test
  void stopSignalLeavesACheckpointAtTheEndOfTheRound() throws IOException {
    TrainingConfig config = config("run", "checkpoint.every-rounds=0", "round.local-steps=3");
    TrainingState end =
        PlainTrainer.run(config, files, corpus, new JavaKernel(), false, () -> true);
    assertThat(end.step()).isEqualTo(3);
    assertThat(steps("run")).containsExactly(3);
  }

  @Test
  void grownCorpusTakesEffectAtTheNextEpoch() throws IOException {
    train(config("run", "training.max-rounds=3"), false);
    corpus = Runs.corpus(files, "corpus", Runs.tokens(401, 1), Runs.tokens(40, 2));
    TrainingState end = train(config("run"), true);
    assertThat(end.step()).isEqualTo(7 + 27);
    assertThat(end.tokens()).isEqualTo(99 + 399);
  }
}
