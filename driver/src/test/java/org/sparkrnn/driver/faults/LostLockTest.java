package org.sparkrnn.driver.faults;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.storage.LocalFiles;
import org.sparkrnn.driver.LocalSpark;
import org.sparkrnn.driver.metrics.RoundMetrics;
import org.sparkrnn.driver.metrics.TrainingListener;

/** A run has one driver: another is refused, and one that lost the run to another stops. */
@Timeout(120)
class LostLockTest {
  @RegisterExtension static final LocalSpark spark = new LocalSpark(1);

  @TempDir Path folder;

  @Test
  void aSecondTrainingIntoTheFolderIsRefusedAndTheFirstGoesOn() throws IOException {
    Path corpus = FaultRuns.corpus(folder.resolve("corpus"));
    Path run = folder.resolve("run");
    List<Long> refused = new ArrayList<>();
    TrainingListener second =
        new TrainingListener() {
          @Override
          public void roundEnded(RoundMetrics metrics) {
            assertThatThrownBy(() -> train(corpus, run, List.of()))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining(run.toString());
            refused.add(metrics.round());
          }
        };
    train(corpus, run, List.of(second));
    assertThat(refused).hasSize(FaultRuns.ROUNDS).doesNotHaveDuplicates();
    assertThat(FaultRuns.left(run)).doesNotContainKeys("lock.json", "work/");
  }

  @Test
  void aDriverThatLostItsLockStopsBeforeItWritesAManifest() throws IOException {
    Path corpus = FaultRuns.corpus(folder.resolve("corpus"));
    Path run = folder.resolve("run");
    String theirs =
        """
        {"token":"theirs","host":"elsewhere","machine":"elsewhere","pid":1,
         "process_start_millis":0,"heartbeats":1}
        """;
    TrainingListener thief =
        new TrainingListener() {
          @Override
          public void roundEnded(RoundMetrics metrics) {
            if (metrics.round() == 2) {
              try {
                Files.writeString(run.resolve("lock.json"), theirs, UTF_8);
                Files.createDirectories(run.resolve("work/of-theirs"));
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            }
          }
        };
    assertThatThrownBy(() -> train(corpus, run, List.of(thief)))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("no longer ours but that of process 1 on elsewhere");
    assertThat(new CheckpointStore(new LocalFiles(), run.toString()).steps()).containsExactly(3L);
    assertThat(run.resolve("work/of-theirs")).exists();
    assertThat(run.resolve("lock.json")).hasContent(theirs);
    assertThat(Files.readAllLines(run.resolve("metrics.jsonl"))).hasSize(1);
  }

  private static void train(Path corpus, Path run, List<TrainingListener> listeners)
      throws IOException {
    FaultRuns.train(spark.context(), corpus, "file", run, listeners);
  }
}
