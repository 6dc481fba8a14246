package org.sparkrnn.driver.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.sparkrnn.common.checkpoint.Checkpoint;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.ClusterFailedException;
import org.sparkrnn.common.storage.LocalFiles;
import org.sparkrnn.driver.LocalSpark;
import org.sparkrnn.driver.faults.FailingFileSystem.Fault;
import org.sparkrnn.driver.metrics.TrainingListener;

/**
 * Whatever file operation fails in whatever way, the run goes on or ends with an error of its own;
 * no checkpoint that was there is lost; and the run that goes on from it leaves the same files with
 * the same bytes as one that nothing happened to.
 *
 * <p>{@code -Pfaults} lets every operation fail; otherwise every {@value #STRIDE}th does.
 */
@Timeout(3600)
class FailingStorageTest {
  private static final int STRIDE = 19;
  private static final long SEED = Long.getLong("sparkrnn.faults.seed", 17);

  @TempDir static Path folder;

  @RegisterExtension
  static final LocalSpark spark =
      new LocalSpark(
          1,
          Map.of(
              "spark.master",
              "local[1,4]",
              FailingFileSystem.SETTING,
              FailingFileSystem.class.getName()));

  private static Path corpus;
  private static Map<String, String> whole;
  private static long operations;

  @BeforeAll
  static void trainWithoutFaults() throws IOException {
    corpus = FaultRuns.corpus(folder.resolve("corpus"));
    FailingFileSystem.fail(Fault.NONE, 0);
    train(folder.resolve("whole"), List.of());
    operations = FailingFileSystem.operations();
    whole = FaultRuns.left(folder.resolve("whole"));
    assertThat(whole.keySet()).filteredOn(name -> name.endsWith("manifest.json")).isNotEmpty();
    assertThat(operations).isGreaterThan(100);
  }

  @AfterEach
  void mend() {
    FailingFileSystem.fail(Fault.NONE, 0);
  }

  @ParameterizedTest
  @EnumSource(
      mode = Mode.INCLUDE,
      names = {"BEFORE", "AFTER", "REFUSED", "DISK_FULL", "DEAD"})
  void aRunThatFailsAtAnyOperationIsResumedToTheSameBytes(Fault fault) throws IOException {
    boolean all = Boolean.getBoolean("sparkrnn.faults.long");
    int tried = 0;
    int ended = 0;
    long first = all ? 1 : 1 + new Random(SEED + fault.name().hashCode()).nextInt(STRIDE);
    for (long operation = first; operation <= operations; operation += all ? 1 : STRIDE) {
      Path run = folder.resolve(fault + "-" + operation);
      ended += failAt(fault, operation, run);
      tried++;
      FailingFileSystem.fail(Fault.NONE, 0);
      train(run, List.of());
      assertThat(FaultRuns.left(run)).as("%s at %d", fault, operation).isEqualTo(whole);
      new LocalFiles().delete(run.toString());
    }
    System.out.printf(
        "%s at %d of %d operations: %d runs ended, %d went on%n",
        fault, tried, operations, ended, tried - ended);
    assertThat(ended).isPositive();
  }

  /** Returns 1 if the run ended because of it. */
  private static int failAt(Fault fault, long operation, Path run) throws IOException {
    AtomicLong saved = new AtomicLong();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void checkpointSaved(long step, String path) {
            saved.set(step);
          }
        };
    int ended = 0;
    FailingFileSystem.fail(fault, operation);
    try {
      train(run, List.of(listener));
    } catch (IOException | BadInputException | ClusterFailedException failure) {
      assertThat(failure.getMessage()).as("%s at %d", fault, operation).isNotBlank();
      ended = 1;
    } catch (RuntimeException defect) {
      throw new AssertionError(
          "%s at %d (%s)".formatted(fault, operation, FailingFileSystem.failed()), defect);
    }
    if (saved.get() > 0) {
      long newest =
          new CheckpointStore(new LocalFiles(), run.toString())
              .newest()
              .map(Checkpoint::step)
              .orElse(0L);
      assertThat(newest).as("%s at %d", fault, operation).isGreaterThanOrEqualTo(saved.get());
    }
    return ended;
  }

  @Test
  void aSlowFileSystemChangesNothing() throws IOException {
    Path run = folder.resolve("slow");
    FailingFileSystem.fail(Fault.SLOW, 0);
    train(run, List.of());
    assertThat(FaultRuns.left(run)).isEqualTo(whole);
  }

  @Test
  void aListingThatLagsBehindChangesNothing() throws IOException {
    Path run = folder.resolve("lagging");
    FailingFileSystem.fail(Fault.LAGGING, 0);
    train(run, List.of());
    FailingFileSystem.fail(Fault.NONE, 0);
    train(run, List.of()); // retention did not see all that it may delete
    assertThat(FaultRuns.left(run)).isEqualTo(whole);
  }

  private static void train(Path run, List<TrainingListener> listeners) throws IOException {
    Files.createDirectories(run);
    FaultRuns.train(spark.context(), corpus, "failing", run, listeners);
  }
}
