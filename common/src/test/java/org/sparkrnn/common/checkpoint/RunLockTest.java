package org.sparkrnn.common.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.checkpoint.RunLock.Timing;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.LocalFiles;
import org.sparkrnn.common.storage.Mutator;

@Timeout(120)
class RunLockTest {
  private static final Timing TIMING = new Timing(Duration.ofMillis(50), Duration.ofMillis(100), 8);

  @TempDir Path directory;

  private final LocalFiles files = new LocalFiles();
  private final List<String> waits = new ArrayList<>();
  private Path run;
  private Path file;

  @BeforeEach
  void nameTheRun() {
    run = directory.resolve("run");
    file = run.resolve(RunLock.FILE);
  }

  private RunLock acquire() throws IOException {
    return RunLock.acquire(files, run.toString(), waits::add, TIMING);
  }

  /** What a process on another machine, whose clock may say anything, wrote. */
  private void writeForeignLock(String since, int heartbeats) throws IOException {
    Files.createDirectories(run);
    Files.writeString(
        file,
        """
        {"token":"theirs","host":"elsewhere","machine":"elsewhere pid:[1]","pid":1,
         "process_start_millis":0,"since":"%s","heartbeats":%d}
        """
            .formatted(since, heartbeats));
  }

  @Test
  void aRunHasOneOwnerAndItsLockIsGoneAfterwards() throws IOException {
    try (RunLock lock = acquire()) {
      lock.require();
      assertThat(lock.isOwned()).isTrue();
      assertThatThrownBy(this::acquire)
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining(run.toString())
          .hasMessageContaining("process " + ProcessHandle.current().pid());
      lock.require();
    }
    assertThat(run).doesNotExist(); // nothing was there before
    acquire().close();
    assertThat(waits).isEmpty();
  }

  @Test
  void whatTheFolderHeldStays() throws IOException {
    Files.createDirectories(run);
    acquire().close();
    assertThat(run).isEmptyDirectory();
  }

  @Test
  void anotherProcessIsRefusedWhileTheOwnerLivesAndNotOnceItIsKilled() throws Exception {
    Process owner = startOwner();
    assertThatThrownBy(this::acquire)
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("process " + owner.pid());
    owner.destroyForcibly().waitFor();
    assertThat(file).exists();
    waits.clear();
    try (RunLock lock = acquire()) {
      lock.require();
    }
    // Its process is gone, there is no need to watch its heart; unless it died while it wrote.
    assertThat(waits).allMatch(wait -> wait.contains("an unknown process"));
  }

  @Test
  void aProcessThatWasSuspendedLosesItsLock() throws Exception {
    Process owner = startOwner();
    signal("STOP", owner);
    try (RunLock lock = acquire()) {
      assertThat(waits).hasSize(1);
      signal("CONT", owner);
      assertThat(owner.inputReader(UTF_8).lines()).singleElement(STRING).contains("no longer ours");
      assertThat(owner.waitFor()).isEqualTo(2);
      lock.require();
    } finally {
      owner.destroyForcibly();
    }
  }

  @Test
  void aLockOfAnotherHostIsTakenOverOnceItsHeartStandsStill() throws IOException {
    for (String since : List.of("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z")) {
      waits.clear();
      writeForeignLock(since, 3); // clock skew: no clock but our own is read
      long begin = System.nanoTime();
      acquire().close();
      assertThat(System.nanoTime() - begin).isGreaterThan(700_000_000L);
      assertThat(waits).hasSize(1);
      assertThat(waits.get(0)).contains("process 1 on elsewhere");
    }
  }

  @Test
  void aLockOfAnotherHostWhoseHeartBeatsIsRespected() throws Exception {
    writeForeignLock("2000-01-01T00:00:00Z", 1);
    Thread heart =
        new Thread(
            () -> {
              try {
                Thread.sleep(300);
                writeForeignLock("2000-01-01T00:00:00Z", 2);
              } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    heart.start();
    assertThatThrownBy(this::acquire)
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("process 1 on elsewhere");
    heart.join();
    assertThat(Files.readString(file)).contains("theirs");
  }

  @Test
  void aLockThatIsHalfWrittenIsWatchedAsAnyOther() throws IOException {
    Files.createDirectories(run);
    Files.writeString(file, "{\"tok");
    Files.writeString(run.resolve(RunLock.FILE + ".of-a-process-that-died"), "");
    acquire().close();
    assertThat(waits).hasSize(1);
    assertThat(run).isEmptyDirectory();
  }

  @Test
  void aDamagedLockIsWatchedAsAnyOtherOrRefused() throws IOException {
    writeForeignLock("2000-01-01T00:00:00Z", 3);
    byte[] good = Files.readAllBytes(file);
    Timing quick = new Timing(Duration.ofSeconds(10), Duration.ZERO, 2);
    int taken = 0;
    for (int seed = 0; seed < 200; seed++) {
      Files.write(file, new Mutator(new Random(seed)).mutate(good));
      try (RunLock lock = RunLock.acquire(files, run.toString(), waits::add, quick)) {
        lock.require();
        taken++;
      } catch (CorruptFileException tooLong) {
        assertThat(tooLong).as("seed %d", seed).hasMessageContaining(file + ": it is ");
        Files.delete(file);
      }
    }
    assertThat(taken).isGreaterThan(150);
    assertThat(waits)
        .allSatisfy(wait -> assertThat(wait.codePoints()).noneMatch(Character::isISOControl));
  }

  @Test
  void theHeartBeatsEveryTenSecondsAndIsWatchedForAMinute() {
    assertThat(RunLock.TIMING.heartbeat()).isEqualTo(Duration.ofSeconds(10));
    assertThat(RunLock.TIMING.look().multipliedBy(RunLock.TIMING.looks()))
        .isEqualTo(Duration.ofSeconds(60));
  }

  @Test
  void noManifestIsWrittenOnceTheLockIsLost() throws IOException {
    RunLock lock = acquire();
    CheckpointStore store = new CheckpointStore(files, run.toString(), lock);
    CheckpointWriter first = store.begin(1);
    first.add("state.json", "{}".getBytes(UTF_8));
    first.commit();
    CheckpointWriter second = store.begin(2);
    second.add("state.json", "{}".getBytes(UTF_8));
    writeForeignLock("2000-01-01T00:00:00Z", 1);
    assertThatThrownBy(second::commit)
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("no longer ours but that of process 1 on elsewhere");
    assertThatThrownBy(() -> store.begin(3)).isInstanceOf(BadInputException.class);
    assertThatThrownBy(() -> store.retain(1, List.of())).isInstanceOf(BadInputException.class);
    assertThat(lock.isOwned()).isFalse();
    assertThat(store.steps()).containsExactly(1L);
    lock.close();
    assertThat(Files.readString(file)).contains("theirs");
  }

  private Process startOwner() throws IOException {
    Process owner =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Owner.class.getName(),
                run.toString())
            .redirectErrorStream(true)
            .start();
    // Not only until the file is there: who is suspended before looking at it is merely refused.
    assertThat(owner.inputReader(UTF_8).readLine()).isEqualTo(Owner.READY);
    return owner;
  }

  private static void signal(String name, Process process) throws Exception {
    assertThat(new ProcessBuilder("kill", "-" + name, "" + process.pid()).start().waitFor())
        .isZero();
  }

  /** Main class of a process that holds a lock until it loses it. */
  static final class Owner {
    static final String READY = "ready";

    public static void main(String[] arguments) throws Exception {
      RunLock lock = RunLock.acquire(new LocalFiles(), arguments[0], wait -> {}, TIMING);
      System.out.println(READY);
      try {
        while (true) {
          Thread.sleep(20);
          lock.require();
        }
      } catch (BadInputException lost) {
        System.out.println(lost.getMessage());
        System.exit(BadInputException.EXIT_CODE);
      }
    }
  }
}
