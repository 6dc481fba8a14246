package org.sparkrnn.common;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.checkpoint.Safetensors;
import org.sparkrnn.common.checkpoint.Tensor;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.ElementType;
import org.sparkrnn.common.corpus.NpyFormat;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;

/**
 * Mutated files are read or refused with the exceptions made for it: never a
 * NegativeArraySizeException, an OutOfMemoryError or an endless loop.
 */
@Timeout(120)
class FuzzTest {
  private static final long SEED = 17;
  private static final int ROUNDS = 500;

  @TempDir Path directory;

  private interface Reader {
    void read(SeekableByteChannel channel, byte[] bytes) throws IOException;
  }

  private void fuzz(byte[] good, int header, Reader reader) throws IOException {
    Random random = new Random(SEED);
    Path file = directory.resolve("file");
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
      byte[] bytes = good.clone();
      for (int i = random.nextInt(4); i >= 0; i--) {
        int at = random.nextInt(Math.min(header, bytes.length));
        bytes[at] =
            switch (random.nextInt(3)) {
              case 0 -> (byte) random.nextInt();
              case 1 -> (byte) ('0' + random.nextInt(10));
              default -> (byte) (bytes[at] ^ (1 << random.nextInt(8)));
            };
      }
      if (random.nextInt(4) == 0) {
        bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
      }
      Files.write(file, bytes);
      try (SeekableByteChannel channel = Files.newByteChannel(file)) {
        reader.read(channel, bytes);
      } catch (CorruptFileException | BadInputException expected) {
        refused++;
        assertThat(expected.getMessage()).as("seed %d, round %d", SEED, round).isNotEmpty();
      }
    }
    assertThat(refused).isGreaterThan(ROUNDS / 10);
  }

  @Test
  void shards() throws IOException {
    byte[] good = Arrays.copyOf(NpyFormat.header(ElementType.UINT16, 20), 168);
    fuzz(good, 128, (channel, bytes) -> NpyFormat.read(channel, "file"));
  }

  @Test
  void tensors() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Safetensors.write(
        out, List.of(Tensor.of("first", new float[20]), Tensor.of("second", new float[3])));
    byte[] good = out.toByteArray();
    fuzz(
        good,
        good.length - 92,
        (channel, bytes) -> {
          Safetensors tensors = Safetensors.open(channel, "file");
          for (String name : tensors.names()) {
            tensors.read(name);
          }
        });
  }

  @Test
  void vocabularies() throws IOException {
    byte[] good = Vocabulary.of(Unit.WORD, List.of("a", "é", "<unk>", "x")).toJson();
    fuzz(good, good.length, (channel, bytes) -> Vocabulary.parse(bytes, "file"));
  }

  @Test
  void settings() throws IOException {
    byte[] good = TrainingConfig.load("", List.of()).semanticText().getBytes(ISO_8859_1);
    fuzz(
        good,
        good.length,
        (channel, bytes) -> TrainingConfig.load(new String(bytes, ISO_8859_1), List.of()));
    assertThatCode(() -> TrainingConfig.load(new String(good, ISO_8859_1), List.of()))
        .doesNotThrowAnyException();
  }
}
