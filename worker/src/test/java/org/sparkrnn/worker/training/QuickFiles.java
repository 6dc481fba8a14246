package org.sparkrnn.worker.training;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.sparkrnn.common.storage.FileEntry;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.common.storage.LocalFiles;

/** Local files that nobody forces to disk: a test of hundreds of checkpoints would wait for it. */
final class QuickFiles implements Files {
  private final LocalFiles local = new LocalFiles();

  @Override
  public SeekableByteChannel open(String path) throws IOException {
    return local.open(path);
  }

  @Override
  public OutputStream create(String path) throws IOException {
    createDirectories(Objects.requireNonNull(Path.of(path).getParent()).toString());
    return java.nio.file.Files.newOutputStream(Path.of(path));
  }

  @Override
  public boolean exists(String path) {
    return local.exists(path);
  }

  @Override
  public List<FileEntry> list(String directory) throws IOException {
    return local.list(directory);
  }

  @Override
  public void renameNoOverwrite(String from, String to) throws IOException {
    java.nio.file.Files.move(Path.of(from), Path.of(to));
  }

  @Override
  public void delete(String path) throws IOException {
    local.delete(path);
  }

  @Override
  public void createDirectories(String path) throws IOException {
    java.nio.file.Files.createDirectories(Path.of(path));
  }
}
