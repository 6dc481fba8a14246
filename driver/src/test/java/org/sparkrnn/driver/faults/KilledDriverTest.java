package org.sparkrnn.driver.faults;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.storage.LocalFiles;

/**
 * Promise 2 with real processes: drivers end by SIGKILL, the next one goes on, and what is left in
 * the end are the same files with the same bytes as of a run that nobody killed.
 *
 * <p>Some are killed in a file operation of their choice, in which they wait for it, a write half
 * done; some at an instant of a seeded clock, on plain local files. Every fourth is killed again
 * while it resumes. {@code -Pfaults} kills in every file operation.
 */
@Timeout(7200)
class KilledDriverTest {
  private static final boolean LONG = Boolean.getBoolean("sparkrnn.faults.long");
  private static final long SEED = Long.getLong("sparkrnn.faults.seed", 17);
  private static final int STRIDE = LONG ? 1 : 31;
  private static final int TIMED_KILLS = LONG ? 60 : 3;

  @TempDir static Path folder;

  private static final Random random = new Random(SEED);
  private static Path corpus;
  private static Map<String, String> whole;
  private static long operations;
  private static long wholeMillis;
  private static Driver driver;
  private static Driver next;

  @BeforeAll
  static void trainUndisturbed() throws IOException {
    corpus = FaultRuns.corpus(folder.resolve("corpus"));
    next = new Driver();
    renewDriver();
    driver.tell("train file " + folder.resolve("warm-up"));
    driver.await("ENDED");
    long begin = System.nanoTime();
    driver.tell("train failing " + folder.resolve("whole"));
    operations = Long.parseLong(driver.await("ENDED").substring("ENDED ".length()));
    wholeMillis = (System.nanoTime() - begin) / 1_000_000;
    whole = FaultRuns.left(folder.resolve("whole"));
    assertThat(FaultRuns.left(folder.resolve("warm-up"))).isEqualTo(whole);
  }

  @AfterAll
  static void stopDrivers() {
    driver.kill();
    next.kill();
  }

  @Test
  void aDriverKilledInAFileOperationIsResumedToTheSameBytes() throws IOException {
    int kills = 0;
    for (long operation = 1 + SEED % STRIDE; operation <= operations; operation += STRIDE) {
      Path run = folder.resolve("killed-at-" + operation);
      kills += killAt(operation, run);
      if (operation / STRIDE % 4 == 3) {
        kills += killAt(1 + random.nextLong(operations / 2), run); // while it resumes
      }
      finish("failing", run, "operation " + operation);
    }
    System.out.printf(
        "seed %d: SIGKILL in %d file operations of %d: same bytes%n", SEED, kills, operations);
    assertThat(kills).isGreaterThanOrEqualTo((int) (operations / STRIDE));
  }

  @Test
  void aDriverKilledAtAnyInstantIsResumedToTheSameBytes() throws Exception {
    int ended = 0;
    for (int kill = 0; kill < TIMED_KILLS; kill++) {
      Path run = folder.resolve("killed-after-" + kill);
      long millis = random.nextLong(2 * wholeMillis);
      driver.tell("train file " + run);
      driver.await("TRAINING");
      Thread.sleep(millis);
      ended += driver.hasMore() ? 1 : 0;
      renewDriver();
      finish("file", run, millis + " ms");
    }
    System.out.printf(
        "seed %d: SIGKILL at %d instants, %d of them after the run: same bytes%n",
        SEED, TIMED_KILLS, ended);
  }

  /** Returns 1 if there was an operation of that number, else 0; the driver is dead anyway. */
  private static int killAt(long operation, Path run) throws IOException {
    driver.tell("stop-at " + operation + " " + run);
    String answer = driver.await("AT", "ENDED");
    renewDriver();
    return answer.startsWith("AT") ? 1 : 0;
  }

  private static void finish(String scheme, Path run, String killedAt) throws IOException {
    driver.tell("train " + scheme + " " + run);
    driver.await("ENDED");
    assertThat(FaultRuns.left(run)).as("seed %d, killed at %s", SEED, killedAt).isEqualTo(whole);
    new LocalFiles().delete(run.toString());
  }

  /** Kills the driver; the next one has been starting meanwhile. */
  private static void renewDriver() throws IOException {
    if (driver != null) {
      driver.kill();
    }
    driver = next;
    driver.await("READY");
    next = new Driver();
  }

  /** A {@link DriverProcess}. */
  private static final class Driver {
    private static final String SPEECH = "driver: ";

    private final Process process;
    private final PrintStream input;
    private final BufferedReader output;

    Driver() throws IOException {
      File log = folder.resolve("drivers.log").toFile();
      ProcessBuilder builder =
          TestJvm.builder(
              List.of(
                  "-Xmx512m",
                  "-XX:+UseSerialGC",
                  "-XX:TieredStopAtLevel=1",
                  "-Djava.io.tmpdir=" + folder),
              DriverProcess.class,
              corpus.toString());
      builder.redirectError(ProcessBuilder.Redirect.appendTo(log));
      process = builder.start();
      input = new PrintStream(process.getOutputStream(), true, UTF_8);
      output = process.inputReader(UTF_8);
    }

    void tell(String line) {
      input.println(line);
    }

    /** Whether it has said something that nobody has heard. */
    boolean hasMore() throws IOException {
      return output.ready();
    }

    /** The next thing that it says and that begins so. */
    String await(String... beginnings) throws IOException {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        for (String beginning : beginnings) {
          if (line.startsWith(SPEECH + beginning)) {
            return line.substring(SPEECH.length());
          }
        }
      }
      throw new IllegalStateException("The driver ended; see " + folder.resolve("drivers.log"));
    }

    /** SIGKILL; returns when the process is gone. */
    void kill() {
      process.destroyForcibly();
      process.onExit().join();
    }
  }
}
