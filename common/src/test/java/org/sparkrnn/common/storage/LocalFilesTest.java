package org.sparkrnn.common.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.errors.BadInputException;

class LocalFilesTest {
  @TempDir Path directory;

  private final Files files = new LocalFiles();

  private String path(String name) {
    return Files.join(directory.toString(), name);
  }

  private void write(String name, String text) throws IOException {
    Channels.writeAll(files, path(name), text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  private String read(String name) throws IOException {
    return java.nio.file.Files.readString(Path.of(path(name)));
  }

  @Test
  void createMakesParentsAndOverwrites() throws IOException {
    write("a/b/c.txt", "a longer text");
    write("a/b/c.txt", "short");
    assertThat(read("a/b/c.txt")).isEqualTo("short");
  }

  @Test
  void nothingIsLeftBesideTheFile() throws IOException {
    write("a/b.txt", "text");
    assertThat(files.list(path("a"))).hasSize(1);
  }

  @Test
  void listIsSortedByNameWithSizes() throws IOException {
    write("d/b", "22");
    write("d/a", "1");
    write("d/c/x", "");
    assertThat(files.list(path("d")))
        .containsExactly(
            new FileEntry(path("d/a"), "a", 1, false),
            new FileEntry(path("d/b"), "b", 2, false),
            new FileEntry(path("d/c"), "c", 0, true));
  }

  @Test
  void whatIsMissingIsSaidSo() throws IOException {
    assertThatThrownBy(() -> files.open(path("no"))).isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> files.list(path("no"))).isInstanceOf(NoSuchFileException.class);
    assertThat(files.exists(path("no"))).isFalse();
    assertThatThrownBy(() -> files.renameNoOverwrite(path("no"), path("b")))
        .isInstanceOf(NoSuchFileException.class);
    files.delete(path("no"));
  }

  @Test
  void renameNeverOverwrites() throws IOException {
    write("a", "new");
    write("b", "old");
    assertThatThrownBy(() -> files.renameNoOverwrite(path("a"), path("b")))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThat(read("b")).isEqualTo("old");
    files.renameNoOverwrite(path("a"), path("c"));
    assertThat(read("c")).isEqualTo("new");
    assertThat(files.exists(path("a"))).isFalse();
  }

  @Test
  void deleteTakesAFileOrAWholeDirectoryButFollowsNoLink() throws IOException {
    write("kept/file", "x");
    write("d/e/f", "x");
    java.nio.file.Files.createSymbolicLink(Path.of(path("d/link")), Path.of(path("kept")));
    files.delete(path("d"));
    assertThat(files.exists(path("d"))).isFalse();
    assertThat(read("kept/file")).isEqualTo("x");
  }

  @Test
  void fileUrisAreLocalPaths() throws IOException {
    write("a b", "x");
    assertThat(files.exists("file:" + path("a b"))).isTrue();
    assertThat(files.exists("file://" + path("a b"))).isTrue();
    assertThat(files.exists("file://localhost" + path("a b"))).isTrue();
  }

  @Test
  void otherFileSystemsAreRefusedByName() {
    assertThatThrownBy(() -> files.open("hdfs://namenode/x"))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("hdfs://namenode/x");
  }

  @Test
  void aDirectoryCannotBeOpened() {
    assertThatThrownBy(() -> files.open(directory.toString()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("directory");
  }

  @Test
  void aFullDiskIsReportedWithThePath() throws IOException {
    if (!java.nio.file.Files.isWritable(Path.of("/dev/full"))) {
      return; // a system without this device
    }
    OutputStream out = files.create("/dev/full");
    assertThatThrownBy(
            () -> {
              try (out) {
                out.write(new byte[1 << 20]);
              }
            })
        .isInstanceOf(IOException.class)
        .hasMessageContaining("Cannot write /dev/full")
        .hasMessageContaining("space");
  }
}
