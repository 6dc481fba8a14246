package org.sparkrnn.worker.model;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.storage.LocalFiles;

class WordVectorsTest {
  private static final Vocabulary VOCABULARY =
      Vocabulary.of(Unit.WORD, List.of("the", "<unk>", "naïve", "of"));
  private static final float DRAWN = 0.5f;

  @TempDir Path folder;

  private float[] parameters = new float[0];

  private int read(String name, byte[] content) throws IOException {
    Path file = folder.resolve(name);
    Files.write(file, content);
    parameters = new float[4 * 2 + 3]; // the embedding and what comes behind it
    Arrays.fill(parameters, DRAWN);
    return WordVectors.read(new LocalFiles(), file.toString(), VOCABULARY, 2, parameters);
  }

  @Test
  void gloveHasALineForEachWord() throws IOException {
    String text = ", 9 9\nof 1 -2.5\n. . . 8 8\nna\u00efve 1e-3 4\nof 7 7\n";
    assertThat(read("glove.txt", text.getBytes(UTF_8))).isEqualTo(2);
    assertThat(parameters)
        .containsExactly(DRAWN, DRAWN, DRAWN, DRAWN, 1e-3f, 4, 1, -2.5f, DRAWN, DRAWN, DRAWN);
  }

  @Test
  void word2vecBeginsWithItsSizesAndEndsLinesInABlank() throws IOException {
    String text = "3 2\r\n</s> 9 9 \r\nthe 1 2 \r\nof 3 4 ";
    assertThat(read("word2vec.txt", text.getBytes(UTF_8))).isEqualTo(2);
    assertThat(Arrays.copyOf(parameters, 2)).containsExactly(1, 2);
    assertThat(Arrays.copyOfRange(parameters, 6, 8)).containsExactly(3, 4);
  }

  @Test
  void aMissingFileIsNamedWithItsSetting() {
    String path = folder.resolve("missing").toString();
    assertThatThrownBy(() -> WordVectors.read(new LocalFiles(), path, VOCABULARY, 2, new float[11]))
        .isInstanceOf(BadInputException.class)
        .hasMessage(
            "Cannot read model.pretrained-embeddings = " + path + ": there is no such file");
  }

  @Test
  void compressedFilesAreRead() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write("the 1 2\n".getBytes(UTF_8));
    }
    assertThat(read("vectors.txt.gz", bytes.toByteArray())).isEqualTo(1);
    byte[] cut = Arrays.copyOf(bytes.toByteArray(), 20);
    assertThatThrownBy(() -> read("vectors.txt.gz", cut))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("not a whole gzip file");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "the 1 2;of 3 | line 2: 1 numbers for a word, expected model.embedding = 2",
        "the 1 2 3 | line 1: 3 numbers for a word, expected model.embedding = 2",
        "2 300;the 1 2 | line 1: 300 numbers for a word, expected model.embedding = 2",
        "3 2;the 1 2;of 1 2 | line 3: the file has 2 words, its first line says 3",
        ", 1 2;the 1 x2 | line 2: x2 is not a number",
        "the 1 NaN | line 1: NaN is not finite",
        "the 1 2;;of 1 2 | line 2: 0 numbers for a word",
        "naive 1 2 | it has none of the vocabulary's 4 words"
      })
  void anythingElseIsRefusedWithItsLine(String lines, String message) {
    byte[] content = lines.replace(';', '\n').getBytes(UTF_8);
    assertThatThrownBy(() -> read("bad.txt", content))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("model.pretrained-embeddings = ")
        .hasMessageContaining("bad.txt")
        .hasMessageContaining(message);
  }

  @Test
  void bytesThatAreNotTextAreRefused() {
    byte[] content = {'t', 'h', 'e', ' ', '1', ' ', '2', '\n', (byte) 0xC3, ' ', '1', ' ', '2'};
    assertThatThrownBy(() -> read("bad.txt", content))
        .hasMessageContaining("line 2: it is not UTF-8");
    byte[] endless = new byte[(1 << 20) + 5];
    assertThatThrownBy(() -> read("bad.txt", endless)).hasMessageContaining("line 1: it is longer");
  }
}
