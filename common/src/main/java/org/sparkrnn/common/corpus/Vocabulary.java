package org.sparkrnn.common.corpus;

import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.Checksums;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.common.storage.Json;
import org.sparkrnn.common.storage.JsonObject;

/**
 * The kinds of tokens of a corpus in a fixed order: most frequent first, equals by their UTF-8
 * bytes. The position is the index that shards and models use.
 */
public final class Vocabulary implements Serializable {
  /** Name of the file in a corpus and in a checkpoint. */
  public static final String FILE = "vocabulary.json";

  /** The longest file that is read. */
  public static final int MAX_FILE_BYTES = 1 << 30;

  /** What stands for the end of a line in a corpus of words. */
  public static final String END_OF_LINE = "<eos>";

  /** What stands for tokens outside the vocabulary, if anything does. */
  public static final String UNKNOWN = "<unk>";

  private static final String FORMAT = "spark-rnn vocabulary";
  private final Unit unit;
  private final List<String> tokens;
  private final Map<String, Integer> indices = new HashMap<>();

  private Vocabulary(Unit unit, List<String> tokens) {
    this.unit = unit;
    this.tokens = List.copyOf(tokens);
    CharsetEncoder utf8 = StandardCharsets.UTF_8.newEncoder();
    for (String token : this.tokens) {
      if (token.isEmpty()) {
        throw new BadInputException(
            "Cannot make a vocabulary: token %d is empty".formatted(indices.size()));
      }
      if (!utf8.canEncode(token)) {
        // Two of them would have the same bytes, and so the same fingerprint.
        throw new BadInputException(
            "Cannot make a vocabulary: token %d has half a character".formatted(indices.size()));
      }
      if (unit == Unit.CHAR
          && token.codePointCount(0, token.length()) != 1
          && !token.equals(UNKNOWN)) {
        throw new BadInputException(
            "Cannot make a vocabulary of characters: \"%s\" is not one".formatted(token));
      }
      if (indices.putIfAbsent(token, indices.size()) != null) {
        throw new BadInputException(
            "Cannot make a vocabulary: \"%s\" is in it twice".formatted(token));
      }
    }
    if (this.tokens.isEmpty()) {
      throw new BadInputException("Cannot make a vocabulary: it has no tokens");
    }
  }

  /** A vocabulary of these tokens in this order. */
  public static Vocabulary of(Unit unit, List<String> tokens) {
    return new Vocabulary(unit, tokens);
  }

  /** Reads a vocabulary file and checks its fingerprint. */
  public static Vocabulary read(Files files, String path) throws IOException {
    return parse(Channels.readAll(files, path, MAX_FILE_BYTES), path);
  }

  /**
   * The vocabulary in the bytes of a file.
   *
   * @param path the file to name in messages
   */
  public static Vocabulary parse(byte[] json, String path) throws CorruptFileException {
    JsonObject object = Json.parse(json, path);
    if (!object.text("format").equals(FORMAT)) {
      throw object.wrong("format", "\"" + FORMAT + "\"");
    }
    if (object.integer("version", 1) != 1) {
      throw object.wrong("version", "1");
    }
    Vocabulary vocabulary;
    try {
      vocabulary = of(unit(object), object.texts("tokens"));
    } catch (BadInputException e) {
      throw new CorruptFileException("Cannot read %s: %s".formatted(path, e.getMessage()), e);
    }
    if (!vocabulary.fingerprint().equals(object.text("fingerprint"))) {
      throw object.wrong("fingerprint", vocabulary.fingerprint());
    }
    return vocabulary;
  }

  static Unit unit(JsonObject object) throws CorruptFileException {
    return switch (object.text("unit")) {
      case "char" -> Unit.CHAR;
      case "word" -> Unit.WORD;
      default -> throw object.wrong("unit", "char or word");
    };
  }

  /** The file's bytes. */
  public byte[] toJson() {
    Map<String, Object> object = new TreeMap<>();
    object.put("format", FORMAT);
    object.put("version", 1);
    object.put("unit", unit.name().toLowerCase(Locale.ROOT));
    object.put("fingerprint", fingerprint());
    object.put("tokens", tokens);
    return Json.bytes(object);
  }

  public Unit unit() {
    return unit;
  }

  public int size() {
    return tokens.size();
  }

  public List<String> tokens() {
    return tokens;
  }

  public String token(int index) {
    return tokens.get(index);
  }

  /** The index of a token, or −1. */
  public int indexOf(String token) {
    Integer index = indices.get(token);
    return index == null ? -1 : index;
  }

  /** The index of {@code <unk>}, if tokens outside the vocabulary have one. */
  public OptionalInt unknown() {
    int index = indexOf(UNKNOWN);
    return index >= 0 ? OptionalInt.of(index) : OptionalInt.empty();
  }

  /**
   * SHA-256 of the unit's name and of every token in order, each as its length in UTF-8 (32 bits,
   * big-endian) and its bytes. Models and corpora with equal fingerprints mean the same by an
   * index.
   */
  public String fingerprint() {
    MessageDigest digest = Checksums.sha256();
    update(digest, unit.name().toLowerCase(Locale.ROOT));
    for (String token : tokens) {
      update(digest, token);
    }
    return Checksums.hex(digest);
  }

  private static void update(MessageDigest digest, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    digest.update(ByteBuffer.allocate(4).putInt(0, bytes.length));
    digest.update(bytes);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Vocabulary that && unit == that.unit && tokens.equals(that.tokens);
  }

  @Override
  public int hashCode() {
    return tokens.hashCode();
  }

  @Override
  public String toString() {
    return "%d %ss".formatted(size(), unit.name().toLowerCase(Locale.ROOT));
  }
}
