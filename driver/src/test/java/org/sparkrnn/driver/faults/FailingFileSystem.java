package org.sparkrnn.driver.faults;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.FileSystemException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;

/**
 * Local files under the scheme {@code failing:} that count what is done to them and fail on
 * purpose. One plan at a time for the whole JVM: {@link #fail}.
 *
 * <p>An operation is a call that opens, creates, writes (flushed buffers of 4 KiB), closes,
 * renames, deletes, lists, or makes directories; looking whether a file exists is part of others
 * and not counted.
 */
public final class FailingFileSystem extends RawLocalFileSystem {
  /** To be given to a session. */
  static final String SETTING = "spark.hadoop.fs.failing.impl";

  private static final int LAG_OPERATIONS = 40;

  /** How an operation fails. */
  enum Fault {
    /** None of them. */
    NONE,
    /** It throws and does nothing; a write does half. */
    BEFORE,
    /** It throws though it has been done: the answer was lost. */
    AFTER,
    /** A rename, deletion or new directory returns false; any other throws. */
    REFUSED,
    /** From it on nothing can be created or written. */
    DISK_FULL,
    /** The process is dead: neither it nor any after it happens; a write does half. */
    DEAD,
    /** A hook of the test runs in it, for a real kill; a write does half before. */
    HOOK,
    /** All operations take 10 ms. */
    SLOW,
    /** Listings show the state of 40 operations ago. */
    LAGGING
  }

  private static Fault fault = Fault.NONE;
  private static long failingOperation;
  private static long operations;
  private static String failed = "";
  private static Runnable hook = () -> {};
  private static final Map<String, Long> changes = new HashMap<>();
  private static final Map<String, FileStatus> deleted = new HashMap<>();

  /**
   * Sets the plan and begins to count at 1.
   *
   * @param operation the first that fails, for the faults of one
   */
  static synchronized void fail(Fault how, long operation) {
    fault = how;
    failingOperation = operation;
    operations = 0;
    failed = "";
    changes.clear();
    deleted.clear();
  }

  /** As {@link #fail}, with what runs in the operation. */
  static synchronized void hook(long operation, Runnable runs) {
    fail(Fault.HOOK, operation);
    hook = runs;
  }

  /** Operations since the plan was set. */
  static synchronized long operations() {
    return operations;
  }

  /** What failed first, such as "rename /run/a"; empty if nothing did. */
  static synchronized String failed() {
    return failed;
  }

  /** The kinds that only return false can fail so. */
  private enum Answer {
    BOOLEAN,
    OTHER
  }

  /** What an operation does. */
  private interface Action<T> {
    T run() throws IOException;
  }

  private static boolean isAboutSpace(String name) {
    return name.startsWith("create") || name.startsWith("write") || name.startsWith("mkdirs");
  }

  /**
   * Counts an operation and does it, or not.
   *
   * @param half what a write does before it fails
   */
  private static <T> T operation(String name, Answer answer, Action<T> action, Action<T> half)
      throws IOException {
    Fault now;
    boolean here;
    synchronized (FailingFileSystem.class) {
      operations++;
      here = operations == failingOperation;
      boolean from = operations >= failingOperation;
      now =
          switch (fault) {
            case DEAD -> from ? fault : Fault.NONE;
            case DISK_FULL -> from && isAboutSpace(name) ? fault : Fault.NONE;
            case SLOW -> fault;
            case LAGGING -> Fault.NONE;
            default -> here ? fault : Fault.NONE;
          };
      if (failed.isEmpty() && now != Fault.NONE && now != Fault.SLOW) {
        failed = name;
      }
    }
    switch (now) {
      case NONE -> {
        return action.run();
      }
      case SLOW -> {
        pause();
        return action.run();
      }
      case AFTER -> action.run();
      case REFUSED -> {
        if (answer == Answer.BOOLEAN) {
          @SuppressWarnings("unchecked")
          T refused = (T) (Object) false;
          return refused;
        }
      }
      case BEFORE, DISK_FULL -> half.run();
      case DEAD -> {
        if (here) {
          half.run();
        }
      }
      case HOOK -> {
        half.run();
        hook.run();
      }
      case LAGGING -> throw new IllegalStateException();
    }
    throw new FileSystemException(name, null, "injected: " + now);
  }

  private static <T> T operation(String name, Action<T> action) throws IOException {
    return operation(name, Answer.OTHER, action, () -> null);
  }

  private static void pause() {
    try {
      Thread.sleep(10);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void initialize(URI name, Configuration configuration) throws IOException {
    super.initialize(URI.create("file:///"), configuration);
  }

  @Override
  public URI getUri() {
    return URI.create("failing:///");
  }

  @Override
  public String getScheme() {
    return "failing";
  }

  @Override
  public FSDataInputStream open(Path path, int bufferSize) throws IOException {
    return operation("open " + path.getName(), () -> super.open(path, bufferSize));
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    FSDataOutputStream file =
        operation(
            "create " + path.getName(),
            () -> super.create(path, overwrite, bufferSize, replication, blockSize, progress));
    changed(path);
    return new FSDataOutputStream(new CountedStream(file, path.getName()), null);
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    boolean done =
        operation(
            "rename " + from.getName(), Answer.BOOLEAN, () -> super.rename(from, to), () -> false);
    changed(to);
    return done;
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    if (!exists(path)) {
      return false; // not counted: nothing happens
    }
    FileStatus status = getFileStatus(path);
    boolean done =
        operation(
            "delete " + path.getName(),
            Answer.BOOLEAN,
            () -> super.delete(path, recursive),
            () -> false);
    synchronized (FailingFileSystem.class) {
      changes.put(path.toUri().getPath(), operations);
      deleted.put(path.toUri().getPath(), status);
    }
    return done;
  }

  @Override
  public boolean mkdirs(Path path) throws IOException {
    if (exists(path)) {
      return true;
    }
    boolean done =
        operation(
            "mkdirs " + path.getName(), Answer.BOOLEAN, () -> super.mkdirs(path), () -> false);
    changed(path);
    return done;
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    FileStatus[] now = operation("list " + path.getName(), () -> super.listStatus(path));
    synchronized (FailingFileSystem.class) {
      if (fault != Fault.LAGGING) {
        return now;
      }
      Map<String, FileStatus> shown = new HashMap<>();
      Arrays.stream(now)
          .filter(status -> !isRecent(status.getPath()))
          .forEach(status -> shown.put(status.getPath().getName(), status));
      deleted.forEach(
          (name, status) -> {
            Path gone = new Path(name);
            if (gone.getParent().toUri().getPath().equals(path.toUri().getPath())
                && isRecent(gone)) {
              shown.put(gone.getName(), status);
            }
          });
      return shown.values().toArray(new FileStatus[0]);
    }
  }

  private static synchronized boolean isRecent(Path path) {
    Long when = changes.get(path.toUri().getPath());
    return when != null && when > operations - LAG_OPERATIONS;
  }

  private static synchronized void changed(Path path) {
    changes.put(path.toUri().getPath(), operations);
    deleted.remove(path.toUri().getPath());
  }

  /** Counts writes and the closing. */
  private static final class CountedStream extends FilterOutputStream {
    private static final int BUFFER_BYTES = 4096;

    private final String name;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int filled;
    private boolean closed;

    CountedStream(OutputStream file, String name) {
      super(file);
      this.name = name;
    }

    @Override
    public void write(int value) throws IOException {
      if (filled == BUFFER_BYTES) {
        writeBuffer();
      }
      buffer[filled++] = (byte) value;
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
      for (int i = from; i < from + count; i++) {
        write(bytes[i]);
      }
    }

    @Override
    public void flush() throws IOException {
      if (filled > 0) {
        writeBuffer();
      }
      out.flush();
    }

    private void writeBuffer() throws IOException {
      int bytes = filled;
      filled = 0;
      operation("write " + name, Answer.OTHER, () -> put(bytes), () -> put(bytes / 2));
    }

    private boolean put(int bytes) throws IOException {
      out.write(buffer, 0, bytes);
      out.flush();
      return true;
    }

    @Override
    public void close() throws IOException {
      if (closed) {
        return;
      }
      closed = true;
      try {
        if (filled > 0) {
          writeBuffer();
        }
        operation("close " + name, () -> true);
      } finally {
        out.close(); // what a dead process held open is closed too
      }
    }
  }
}
