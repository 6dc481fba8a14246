package org.sparkrnn.worker.training;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.SeekableByteChannel;
import java.util.List;
import org.sparkrnn.common.storage.FileEntry;
import org.sparkrnn.common.storage.Files;

/**
 * Files of a process that dies at one of its changes to them: that write stops half-way, and
 * nothing after it happens, neither the closing of streams nor clean-up.
 */
final class MortalFiles implements Files {
  /** The process is dead. */
  static final class Killed extends RuntimeException {}

  private final Files files;
  private int changesLeft;

  /**
   * @param changes after which the process dies
   */
  MortalFiles(Files files, int changes) {
    this.files = files;
    this.changesLeft = changes;
  }

  private boolean dies() {
    return --changesLeft < 0;
  }

  private void change() {
    if (dies()) {
      throw new Killed();
    }
  }

  @Override
  public SeekableByteChannel open(String path) throws IOException {
    return files.open(path);
  }

  @Override
  public OutputStream create(String path) throws IOException {
    change();
    return new FilterOutputStream(files.create(path)) {
      @Override
      public void write(int value) throws IOException {
        change();
        out.write(value);
      }

      @Override
      public void write(byte[] bytes, int from, int count) throws IOException {
        if (dies()) {
          if (changesLeft == -1) {
            out.write(bytes, from, count / 2);
            out.close();
          }
          throw new Killed();
        }
        out.write(bytes, from, count);
      }

      @Override
      public void close() throws IOException {
        change();
        out.close();
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
    change();
    files.renameNoOverwrite(from, to);
  }

  @Override
  public void delete(String path) throws IOException {
    change();
    files.delete(path);
  }

  @Override
  public boolean isLink(String path) throws IOException {
    return files.isLink(path);
  }

  @Override
  public void createDirectories(String path) throws IOException {
    change();
    files.createDirectories(path);
  }
}
