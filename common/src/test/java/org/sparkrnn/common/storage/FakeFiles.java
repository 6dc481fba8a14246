package org.sparkrnn.common.storage;

import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.SeekableByteChannel;
import java.util.List;
import java.util.Objects;

/**
 * Files that stop working after a number of steps, as a machine does that loses its power or a
 * process that is killed: every call that changes something, and every half of a write, is a step.
 */
public final class FakeFiles implements Files {
  private final Files files;
  private long stepsLeft = Long.MAX_VALUE;
  private long opened;

  /** Local files. */
  public FakeFiles() {
    this(new LocalFiles());
  }

  public FakeFiles(Files files) {
    this.files = files;
  }

  /** The power goes out after that many more steps. */
  public void failAfter(long steps) {
    stepsLeft = steps;
  }

  /** How often a file has been opened. */
  public long opened() {
    return opened;
  }

  private void step() throws IOException {
    if (stepsLeft <= 0) {
      throw new IOException("The power is out");
    }
    stepsLeft--;
  }

  @Override
  public SeekableByteChannel open(String path) throws IOException {
    opened++;
    return files.open(path);
  }

  @Override
  public OutputStream create(String path) throws IOException {
    step();
    OutputStream file = files.create(path);
    return new FilterOutputStream(new ByteArrayOutputStream()) {
      private boolean closed;

      @Override
      public void write(int value) throws IOException {
        step();
        file.write(value);
      }

      @Override
      public void write(byte[] bytes, int from, int count) throws IOException {
        Objects.checkFromIndexSize(from, count, bytes.length);
        step();
        file.write(bytes, from, count / 2);
        step();
        file.write(bytes, from + count / 2, count - count / 2);
      }

      @Override
      public void close() throws IOException {
        if (!closed) {
          closed = true;
          file.close();
          step();
        }
      }
    };
  }

  @Override
  public boolean exists(String path) throws IOException {
    return files.exists(path);
  }

  @Override
  public List<FileEntry> list(String directory) throws IOException {
    return files.list(directory);
  }

  @Override
  public void renameNoOverwrite(String from, String to) throws IOException {
    step();
    files.renameNoOverwrite(from, to);
  }

  @Override
  public void delete(String path) throws IOException {
    step();
    files.delete(path);
  }

  @Override
  public boolean isLink(String path) throws IOException {
    return files.isLink(path);
  }

  @Override
  public void createDirectories(String path) throws IOException {
    step();
    files.createDirectories(path);
  }
}
