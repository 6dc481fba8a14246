package org.sparkrnn.driver.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkrnn.common.storage.FileEntry;
import org.sparkrnn.common.storage.Files;

class HadoopFilesTest {
  enum Kind {
    PLAIN_PATH,
    FILE_URI,
    OTHER,
    OTHER_WITHOUT_FILE_CONTEXT,
    DEFAULT_FILE_SYSTEM
  }

  @TempDir Path temporary;

  @ParameterizedTest
  @EnumSource
  void whatIsWrittenIsRead(Kind kind) throws Exception {
    Files files = files(kind);
    String path = root(kind) + "/a/b/text with space.txt";
    write(files, path, "hello");
    write(files, path, "once more");
    assertThat(read(files, path)).isEqualTo("once more");
    assertThat(temporary.resolve("a/b").toFile().list()).containsExactly("text with space.txt");
    try (SeekableByteChannel channel = files.open(path)) {
      assertThat(channel.size()).isEqualTo(9);
      ByteBuffer direct = ByteBuffer.allocateDirect(4);
      assertThat(channel.position(5).read(direct)).isEqualTo(4);
      assertThat(StandardCharsets.UTF_8.decode(direct.flip()).toString()).isEqualTo("more");
      assertThat(channel.position()).isEqualTo(9);
      assertThat(channel.read(ByteBuffer.allocate(1))).isEqualTo(-1);
      assertThat(channel.position(20).read(ByteBuffer.allocate(1))).isEqualTo(-1);
      ByteBuffer part = ByteBuffer.wrap(new byte[6]);
      part.position(2).limit(5);
      assertThat(channel.position(0).read(part)).isEqualTo(3);
      assertThat(part.array()).isEqualTo(new byte[] {0, 0, 'o', 'n', 'c', 0});
    }
  }

  @ParameterizedTest
  @EnumSource
  void directoriesAreListedByName(Kind kind) throws Exception {
    Files files = files(kind);
    String root = root(kind);
    write(files, root + "/x/b", "22");
    write(files, root + "/x/a", "1");
    files.createDirectories(root + "/x/c/d");
    files.createDirectories(root + "/x/c/d");
    assertThat(files.list(root + "/x"))
        .containsExactly(
            new FileEntry(root + "/x/a", "a", 1, false),
            new FileEntry(root + "/x/b", "b", 2, false),
            new FileEntry(root + "/x/c", "c", 0, true));
    assertThatThrownBy(() -> files.list(root + "/x/a")).isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> files.list(root + "/y")).isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> files.open(root + "/x")).isInstanceOf(IOException.class);
  }

  @ParameterizedTest
  @EnumSource
  void renamingNeverOverwrites(Kind kind) throws Exception {
    Files files = files(kind);
    String root = root(kind);
    write(files, root + "/one", "1");
    write(files, root + "/two", "2");
    assertThatThrownBy(() -> files.renameNoOverwrite(root + "/one", root + "/two"))
        .isInstanceOf(FileAlreadyExistsException.class)
        .hasMessageContaining("two");
    assertThat(read(files, root + "/one") + read(files, root + "/two")).isEqualTo("12");
    files.renameNoOverwrite(root + "/one", root + "/three");
    assertThat(files.exists(root + "/one")).isFalse();
    assertThat(read(files, root + "/three")).isEqualTo("1");
    assertThatThrownBy(() -> files.renameNoOverwrite(root + "/one", root + "/four"))
        .isInstanceOf(NoSuchFileException.class);
  }

  @ParameterizedTest
  @EnumSource
  void deletingTakesAllAndForgivesTheMissing(Kind kind) throws Exception {
    Files files = files(kind);
    String root = root(kind);
    write(files, root + "/x/y/z", "1");
    files.delete(root + "/x");
    files.delete(root + "/x");
    assertThat(files.exists(root + "/x")).isFalse();
    assertThatThrownBy(() -> files.open(root + "/x/y/z")).isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void aTaskReachesTheSameFileSystems() throws Exception {
    String path = root(Kind.OTHER) + "/file";
    write(files(Kind.OTHER), path, "text");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(files(Kind.OTHER));
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(read((Files) in.readObject(), path)).isEqualTo("text");
    }
  }

  private static Files files(Kind kind) {
    return switch (kind) {
      case PLAIN_PATH, FILE_URI -> new HadoopFiles(new Configuration());
      case OTHER -> new HadoopFiles(OtherFileSystem.configuration(true));
      case OTHER_WITHOUT_FILE_CONTEXT -> new HadoopFiles(OtherFileSystem.configuration(false));
      case DEFAULT_FILE_SYSTEM -> {
        Configuration configuration = OtherFileSystem.configuration(true);
        configuration.set("fs.defaultFS", "other:///");
        yield new HadoopFiles(configuration);
      }
    };
  }

  private String root(Kind kind) {
    return switch (kind) {
      case PLAIN_PATH, DEFAULT_FILE_SYSTEM -> temporary.toString();
      case FILE_URI -> "file://" + temporary;
      case OTHER, OTHER_WITHOUT_FILE_CONTEXT -> "other://" + temporary;
    };
  }

  private static void write(Files files, String path, String text) throws IOException {
    try (OutputStream out = files.create(path)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
  }

  private static String read(Files files, String path) throws IOException {
    try (SeekableByteChannel channel = files.open(path)) {
      ByteBuffer buffer = ByteBuffer.allocate((int) channel.size());
      while (buffer.hasRemaining() && channel.read(buffer) >= 0) {}
      return new String(buffer.array(), StandardCharsets.UTF_8);
    }
  }
}
