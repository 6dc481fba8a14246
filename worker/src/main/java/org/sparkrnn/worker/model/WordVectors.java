package org.sparkrnn.worker.model;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.storage.Files;

/**
 * Vectors of words as text, as GloVe (Pennington, Socher and Manning 2014) and word2vec (Mikolov et
 * al. 2013) write them: a line for each word, which is followed by its numbers, all between blanks;
 * in word2vec's after a line with the number of words and of their numbers. A word may contain
 * blanks, as a few of GloVe's do. Of a word that is there twice the first vector counts.
 *
 * <p>Numbers of words outside the vocabulary are counted, not read.
 */
public final class WordVectors {
  private static final int LONGEST_LINE = 1 << 20;

  private final String path;
  private final Vocabulary vocabulary;
  private final int columns;
  private final float[] parameters;
  private final BitSet found = new BitSet();
  private long line;

  private WordVectors(String path, Vocabulary vocabulary, int columns, float[] parameters) {
    this.path = path;
    this.vocabulary = vocabulary;
    this.columns = columns;
    this.parameters = parameters;
  }

  /**
   * Overwrites rows of an embedding.
   *
   * @param columns of the embedding
   * @param parameters in and out: a model's, which begin with the embedding
   * @return how many words of the vocabulary have a vector
   * @throws BadInputException naming the line, if the file is not of that form or has none of the
   *     words
   */
  public static int read(
      Files files, String path, Vocabulary vocabulary, int columns, float[] parameters)
      throws IOException {
    WordVectors vectors = new WordVectors(path, vocabulary, columns, parameters);
    try (InputStream in = open(files, path)) {
      vectors.read(in);
    } catch (NoSuchFileException e) {
      throw new BadInputException(
          "Cannot read model.pretrained-embeddings = %s: there is no such file".formatted(path), e);
    } catch (ZipException | EOFException e) {
      throw new BadInputException(
          "Cannot read model.pretrained-embeddings = %s: behind line %d it is not a whole gzip file"
              .formatted(path, vectors.line),
          e);
    }
    if (vectors.found.isEmpty()) {
      throw new BadInputException(
          "Cannot use model.pretrained-embeddings = %s: it has none of the vocabulary's %d words"
              .formatted(path, vocabulary.size()));
    }
    return vectors.found.cardinality();
  }

  private static InputStream open(Files files, String path) throws IOException {
    InputStream in = new BufferedInputStream(Channels.newInputStream(files.open(path)), 1 << 16);
    return path.endsWith(".gz") ? new BufferedInputStream(new GZIPInputStream(in, 1 << 16)) : in;
  }

  private void read(InputStream in) throws IOException {
    long announced = -1;
    long words = 0;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    while (nextLine(in, bytes)) {
      String[] fields = fields(bytes);
      if (line == 1 && fields.length == 2 && isInteger(fields[0]) && isInteger(fields[1])) {
        announced = Long.parseLong(fields[0]);
        requireColumns(Long.parseLong(fields[1]));
        continue;
      }
      if (words == 0 || fields.length <= columns) {
        requireColumns(fields.length - 1L);
      }
      take(fields);
      words++;
    }
    if (announced >= 0 && words != announced) {
      throw wrong("the file has %d words, its first line says %d".formatted(words, announced));
    }
  }

  private void take(String[] fields) {
    int numbers = fields.length - columns;
    int index = vocabulary.indexOf(String.join(" ", Arrays.asList(fields).subList(0, numbers)));
    if (index < 0 || found.get(index)) {
      return;
    }
    found.set(index);
    for (int column = 0; column < columns; column++) {
      parameters[index * columns + column] = number(fields[numbers + column]);
    }
  }

  private float number(String text) {
    float number;
    try {
      number = Float.parseFloat(text);
    } catch (NumberFormatException e) {
      throw wrong("%s is not a number".formatted(shown(text)));
    }
    if (!Float.isFinite(number)) {
      throw wrong("%s is not finite".formatted(shown(text)));
    }
    return number;
  }

  private void requireColumns(long numbers) {
    if (numbers != columns) {
      throw wrong(
          "%d numbers for a word, expected model.embedding = %d".formatted(numbers, columns));
    }
  }

  /** Reads up to the next line feed; false at the end of the file. */
  private boolean nextLine(InputStream in, ByteArrayOutputStream bytes) throws IOException {
    bytes.reset();
    int next = in.read();
    if (next < 0) {
      return false;
    }
    line++;
    for (; next >= 0 && next != '\n'; next = in.read()) {
      if (bytes.size() == LONGEST_LINE) {
        throw wrong("it is longer than %d bytes".formatted(LONGEST_LINE));
      }
      bytes.write(next);
    }
    return true;
  }

  private String[] fields(ByteArrayOutputStream bytes) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes.toByteArray()))
          .toString()
          .strip()
          .split("[ \t]+", -1);
    } catch (CharacterCodingException e) {
      throw wrong("it is not UTF-8");
    }
  }

  private static boolean isInteger(String text) {
    return text.length() <= 18
        && text.chars().allMatch(c -> c >= '0' && c <= '9')
        && !text.isEmpty();
  }

  private static String shown(String text) {
    return text.length() <= 40 ? text : text.substring(0, 40) + "…";
  }

  private BadInputException wrong(String what) {
    return new BadInputException(
        "Cannot read model.pretrained-embeddings = %s: line %d: %s".formatted(path, line, what));
  }
}
