package org.sparkrnn.common.checkpoint;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.errors.OneLine;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.FileEntry;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.common.storage.Json;
import org.sparkrnn.common.storage.JsonObject;

/**
 * Keeps two processes from training into one folder: {@code lock.json} says who does, and is
 * written again every 10 seconds, with another count of heartbeats, as long as they live.
 *
 * <p>A lock is stale at once if its process ran on this machine and is gone, else when its heart
 * has not beaten while somebody watched it for 60 seconds. Whoever watches sees the file change or
 * not and reads no clock of another machine. Two that take over a stale lock at the same instant,
 * on a file system whose rename may overwrite, find out when the slower of them next writes a
 * manifest: {@link #require} is called before each.
 */
public final class RunLock implements Ownership, AutoCloseable {
  static final String FILE = "lock.json";

  static final Timing TIMING = new Timing(Duration.ofSeconds(10), Duration.ofSeconds(1), 60);
  private static final int MAX_FILE_BYTES = 1 << 16;
  private static final long SAME_START_MILLIS = 5_000; // the kernel's clock may be set meanwhile

  /** Tokens of the locks that this process holds. */
  private static final Set<String> HELD = ConcurrentHashMap.newKeySet();

  /**
   * How often the heart beats, how often somebody who waits looks, and after how many looks without
   * a change it counts as stopped. Looks, not time: a machine that slept has not watched.
   */
  record Timing(Duration heartbeat, Duration look, int looks) {}

  /** What a lock says of its process. */
  private record Owner(String token, String host, String machine, long pid, long startMillis) {
    static Owner of(JsonObject lock) throws CorruptFileException {
      return new Owner(
          lock.text("token"),
          lock.text("host"),
          lock.text("machine"),
          lock.integer("pid", 0),
          lock.integer("process_start_millis", 0));
    }

    /** Whether its process was one of this machine and has ended. */
    boolean isGone() {
      if (!machine.equals(Machine.name()) || HELD.contains(token)) {
        return false;
      }
      return pid == ProcessHandle.current().pid()
          || ProcessHandle.of(pid)
              .filter(process -> Math.abs(startOf(process) - startMillis) < SAME_START_MILLIS)
              .isEmpty();
    }

    @Override
    public String toString() {
      return OneLine.of("process %d on %s".formatted(pid, host));
    }
  }

  private final Files files;
  private final String run;
  private final String path;
  private final String token = UUID.randomUUID().toString();
  private final Instant since = Instant.now();
  private final boolean createsFolder;
  private final ScheduledExecutorService heart;
  private long heartbeats;

  private RunLock(Files files, String run) throws IOException {
    this.files = files;
    this.run = run;
    this.path = Files.join(run, FILE);
    this.createsFolder = !files.exists(run);
    this.heart =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "heartbeat of " + path);
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Takes the lock of a run, after the wait that it takes to see whether its owner lives.
   *
   * @param waiting told of the owner that is waited for
   * @throws BadInputException if another process trains into that folder
   */
  public static RunLock acquire(Files files, String run, Consumer<String> waiting)
      throws IOException {
    return acquire(files, run, waiting, TIMING);
  }

  static RunLock acquire(Files files, String run, Consumer<String> waiting, Timing timing)
      throws IOException {
    RunLock lock = new RunLock(files, run);
    try {
      lock.acquire(waiting, timing);
      return lock;
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  private void acquire(Consumer<String> waiting, Timing timing) throws IOException {
    byte[] watched = new byte[0];
    int unchangedLooks = 0;
    int looks = 0;
    while (true) {
      Optional<byte[]> content = read();
      if (content.isEmpty()) {
        if (take(timing)) {
          return;
        }
        continue;
      }
      Optional<Owner> owner = owner(content.get());
      boolean changed = !Arrays.equals(content.get(), watched);
      boolean beats = looks > 0 && changed && owner.isPresent();
      if (beats || owner.filter(other -> HELD.contains(other.token)).isPresent()) {
        throw held(owner);
      }
      unchangedLooks = changed ? 0 : unchangedLooks + 1;
      if (unchangedLooks >= timing.looks || owner.filter(Owner::isGone).isPresent()) {
        files.delete(path);
        continue;
      }
      if (looks == 0) {
        waiting.accept(
            "%s has a lock of %s; waiting up to %d s to see whether it still trains"
                .formatted(run, name(owner), timing.look.multipliedBy(timing.looks).toSeconds()));
      }
      watched = content.get();
      looks++;
      sleep(timing.look);
    }
  }

  /** Whether the name was free; then the heart beats. */
  private boolean take(Timing timing) throws IOException {
    String temporary = path + "." + token;
    try {
      Channels.writeAll(files, temporary, toJson());
      files.renameNoOverwrite(temporary, path);
    } catch (FileAlreadyExistsException | NoSuchFileException e) { // somebody was faster
      files.delete(temporary);
      return false;
    } catch (IOException e) {
      deleteAfter(e, temporary);
      throw e;
    }
    if (!isOurs()) {
      return false;
    }
    HELD.add(token);
    deleteLeftovers();
    long millis = timing.heartbeat.toMillis();
    // Nobody waits for it: beat() throws nothing.
    var unused = heart.scheduleWithFixedDelay(this::beat, millis, millis, TimeUnit.MILLISECONDS);
    return true;
  }

  private void deleteAfter(IOException failure, String temporary) {
    try {
      files.delete(temporary);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  /** What processes left that died while they took the lock. */
  private void deleteLeftovers() throws IOException {
    for (FileEntry entry : files.list(run)) {
      if (entry.name().startsWith(FILE + ".")) {
        files.delete(entry.path());
      }
    }
  }

  /** Whether this process may still write to the run. */
  public synchronized boolean isOwned() {
    try {
      return isOurs();
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public synchronized void require() throws IOException {
    Optional<byte[]> content = read();
    Optional<Owner> owner = content.flatMap(this::owner);
    if (!isOurs(owner)) {
      throw new BadInputException(
          "Cannot go on writing to %s: its %s is no longer ours but that of %s"
              .formatted(run, FILE, content.isEmpty() ? "nobody" : name(owner)));
    }
  }

  /** Gives the lock back, unless somebody else has it by now. */
  @Override
  public synchronized void close() throws IOException {
    heart.shutdownNow();
    if (HELD.remove(token) && isOurs()) {
      files.delete(path);
      if (createsFolder && files.list(run).isEmpty()) {
        files.delete(run); // a run that was refused leaves nothing behind
      }
    }
  }

  private synchronized void beat() {
    try {
      if (isOurs()) {
        heartbeats++;
        Channels.writeAll(files, path, toJson());
      } else {
        heart.shutdown();
      }
    } catch (IOException | RuntimeException e) {
      // The next one tries again. Who cannot write for a minute counts as dead, and rightly so.
    }
  }

  private boolean isOurs() throws IOException {
    return isOurs(read().flatMap(this::owner));
  }

  private boolean isOurs(Optional<Owner> owner) {
    return owner.filter(other -> other.token.equals(token)).isPresent();
  }

  private Optional<byte[]> read() throws IOException {
    try {
      return Optional.of(Channels.readAll(files, path, MAX_FILE_BYTES));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /** Empty for a lock that is just being written, or not ours to read. */
  private Optional<Owner> owner(byte[] content) {
    try {
      return Optional.of(Owner.of(Json.parse(content, path)));
    } catch (CorruptFileException e) {
      return Optional.empty();
    }
  }

  private BadInputException held(Optional<Owner> owner) {
    return new BadInputException(
        "Cannot train into %s: %s does already; wait for it, stop it, or set checkpoint.path"
            .formatted(run, name(owner)));
  }

  private static String name(Optional<Owner> owner) {
    return owner.map(Owner::toString).orElse("an unknown process");
  }

  private byte[] toJson() {
    ProcessHandle process = ProcessHandle.current();
    Map<String, Object> lock = new TreeMap<>();
    lock.put("token", token);
    lock.put("host", Machine.hostName());
    lock.put("machine", Machine.name());
    lock.put("pid", process.pid());
    lock.put("process_start_millis", startOf(process));
    lock.put("since", since.toString());
    lock.put("heartbeats", heartbeats);
    return Json.bytes(lock);
  }

  private static long startOf(ProcessHandle process) {
    return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
  }

  private static void sleep(Duration duration) throws IOException {
    try {
      Thread.sleep(duration.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Cannot wait for the lock of another run: interrupted", e);
    }
  }
}
