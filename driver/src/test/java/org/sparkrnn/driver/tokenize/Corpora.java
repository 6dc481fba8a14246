package org.sparkrnn.driver.tokenize;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.corpus.TokenReader;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.storage.LocalFiles;

/** Texts, their tokens the slow way, and corpora read back. */
final class Corpora {
  private static final String[] PIECES = {
    "a", "bc", " ", " ", "\n", "\r\n", "\t", "\0", "é", "ß", "€", "한", "😀", "𝒳", "\u0085",
    "\u00a0", "\ufeff", "\u2028", "<unk>", "word", "\u000b", "\f", "\ufffd", "\ud7ff", "\ue000"
  };

  private Corpora() {}

  /** UTF-8 with all kinds of characters and white space. */
  static byte[] text(Random random, int pieces) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < pieces; i++) {
      text.append(PIECES[random.nextInt(PIECES.length)]);
    }
    return utf8(text.toString());
  }

  /** Lines of words, some frequent and some rare. */
  static String lines(long seed, int lines) {
    Random random = new Random(seed);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < lines; i++) {
      for (int word = random.nextInt(12); word > 0; word--) {
        double u = random.nextDouble();
        text.append("w").append((int) (200 * u * u * u)).append(word > 1 ? " " : "");
      }
      text.append("\n");
    }
    return text.toString();
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(compressed)) {
      out.write(bytes);
    }
    return compressed.toByteArray();
  }

  /** The tokens of a whole file, the slow way: {@code String} replaces invalid UTF-8. */
  static List<String> tokens(byte[] bytes, Unit unit) {
    String text = new String(bytes, StandardCharsets.UTF_8);
    if (unit == Unit.CHAR) {
      return text.codePoints().mapToObj(Character::toString).toList();
    }
    List<String> tokens = new ArrayList<>();
    for (int from = 0; from < text.length(); ) {
      int newline = text.indexOf('\n', from);
      int to = newline < 0 ? text.length() : newline;
      for (String word : text.substring(from, to).split("[ \\t\\n\\x0B\\f\\r]+", -1)) {
        if (!word.isEmpty()) {
          tokens.add(word);
        }
      }
      tokens.add(Vocabulary.END_OF_LINE);
      from = to + 1;
    }
    return tokens;
  }

  /** The tokens of a split of a corpus. */
  static List<String> read(Path corpus, String split) throws IOException {
    CorpusReader reader = new CorpusReader(new LocalFiles(), corpus.toString());
    Vocabulary vocabulary = reader.vocabulary();
    try (TokenReader tokens = reader.tokens(split)) {
      int[] indices = new int[(int) tokens.tokens()];
      tokens.read(0, indices, 0, indices.length);
      List<String> read = new ArrayList<>();
      for (int index : indices) {
        read.add(vocabulary.token(index));
      }
      return read;
    }
  }

  static Vocabulary vocabulary(Path corpus) throws IOException {
    return new CorpusReader(new LocalFiles(), corpus.toString()).vocabulary();
  }

  /** All files below a folder and their bytes as text. */
  static Map<String, String> content(Path folder) {
    try (Stream<Path> paths = Files.walk(folder)) {
      Map<String, String> content = new TreeMap<>();
      for (Path path : paths.toList()) {
        content.put(
            folder.relativize(path).toString(),
            Files.isDirectory(path)
                ? "folder"
                : Files.readString(path, StandardCharsets.ISO_8859_1));
      }
      return content;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
