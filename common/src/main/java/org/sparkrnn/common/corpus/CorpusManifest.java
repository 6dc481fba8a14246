package org.sparkrnn.common.corpus;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.common.storage.JsonObject;
import org.sparkrnn.common.storage.SafeName;
import org.sparkrnn.common.storage.SealedJson;

/**
 * What a corpus consists of. It is written after all that it lists: a folder without it is none.
 *
 * @param elementType how the shards hold a token
 * @param vocabularySize number of kinds of tokens; every token is below
 * @param vocabularyFingerprint of {@link Vocabulary#fingerprint}
 * @param splits by name
 */
public record CorpusManifest(
    Unit unit,
    ElementType elementType,
    int vocabularySize,
    String vocabularyFingerprint,
    SortedMap<String, Split> splits)
    implements Serializable {
  /** Name of the file. */
  public static final String FILE = "manifest.json";

  /** Name of a manifest that has been written but has not taken its place yet. */
  static final String NEXT = "manifest.json.next";

  private static final String FORMAT = "spark-rnn corpus";
  private static final int MAX_FILE_BYTES = 1 << 30;

  public CorpusManifest {
    splits = Collections.unmodifiableSortedMap(new TreeMap<>(splits));
  }

  /** The manifest of a corpus with that vocabulary. */
  public static CorpusManifest of(Vocabulary vocabulary, Map<String, Split> splits) {
    return new CorpusManifest(
        vocabulary.unit(),
        ElementType.forVocabulary(vocabulary.size()),
        vocabulary.size(),
        vocabulary.fingerprint(),
        new TreeMap<>(splits));
  }

  /** Whether there is a corpus in that folder. */
  public static boolean exists(Files files, String corpus) throws IOException {
    return files.exists(Files.join(corpus, FILE)) || files.exists(Files.join(corpus, NEXT));
  }

  /**
   * Reads the manifest of the corpus in a folder.
   *
   * @throws BadInputException if there is none
   * @throws CorruptFileException if it is damaged
   */
  public static CorpusManifest read(Files files, String corpus) throws IOException {
    // A writer that replaces the manifest removes it before the next one takes its place.
    for (String name : List.of(FILE, NEXT, FILE)) {
      String path = Files.join(corpus, name);
      if (files.exists(path)) {
        return parse(Channels.readAll(files, path, MAX_FILE_BYTES), path);
      }
    }
    throw new BadInputException(
        "Cannot read corpus %s: there is no %s in it".formatted(corpus, FILE));
  }

  /**
   * Writes this manifest as that of the corpus in a folder, replacing another. At every instant
   * there is a whole one under one of the two names.
   */
  public void write(Files files, String corpus) throws IOException {
    String next = Files.join(corpus, NEXT);
    String path = Files.join(corpus, FILE);
    if (!files.exists(path) && files.exists(next)) {
      files.renameNoOverwrite(next, path); // a writer was interrupted between its two last steps
    }
    Channels.writeAll(files, next, toJson());
    files.delete(path);
    files.renameNoOverwrite(next, path);
  }

  /**
   * The split of that name.
   *
   * @throws BadInputException if the corpus has none
   */
  public Split split(String name) {
    Split split = splits.get(name);
    if (split == null) {
      throw new BadInputException(
          "Cannot find split %s: the corpus has only %s"
              .formatted(name, String.join(", ", splits.keySet())));
    }
    return split;
  }

  byte[] toJson() {
    Map<String, Object> named = new TreeMap<>();
    splits.forEach(
        (name, split) -> {
          List<Map<String, Object>> shards = new ArrayList<>();
          for (Shard shard : split.shards()) {
            shards.add(
                new TreeMap<>(
                    Map.of(
                        "name", shard.name(),
                        "tokens", shard.tokens(),
                        "bytes", shard.bytes(),
                        "crc32c", shard.blockChecksums())));
          }
          named.put(
              name,
              new TreeMap<>(
                  Map.of(
                      "tokens", split.tokens(),
                      "unknown_tokens", split.unknownTokens(),
                      "shards", shards)));
        });
    Map<String, Object> object = new TreeMap<>();
    object.put("format", FORMAT);
    object.put("version", 1);
    object.put("unit", unit.name().toLowerCase(Locale.ROOT));
    object.put("element_type", elementType.descr());
    object.put("vocabulary_size", vocabularySize);
    object.put("vocabulary_fingerprint", vocabularyFingerprint);
    object.put("splits", named);
    return SealedJson.bytes(object);
  }

  static CorpusManifest parse(byte[] json, String path) throws CorruptFileException {
    JsonObject object = SealedJson.parse(json, path);
    if (!object.text("format").equals(FORMAT)) {
      throw object.wrong("format", "\"" + FORMAT + "\"");
    }
    if (object.integer("version", 1) != 1) {
      throw object.wrong("version", "1");
    }
    int vocabularySize = object.smallInteger("vocabulary_size", 1);
    ElementType type = ElementType.forVocabulary(vocabularySize);
    if (!object.text("element_type").equals(type.descr())) {
      throw object.wrong("element_type", type.descr());
    }
    Set<String> names = new HashSet<>();
    SortedMap<String, Split> splits = new TreeMap<>();
    JsonObject named = object.object("splits");
    for (String name : named.names()) {
      JsonObject split = named.object(name);
      List<Shard> shards = new ArrayList<>();
      long tokens = 0;
      for (JsonObject shard : split.objects("shards")) {
        shards.add(parseShard(shard, type, names, path));
        tokens = Math.addExact(tokens, shards.get(shards.size() - 1).tokens());
      }
      if (split.integer("tokens", 0) != tokens) {
        throw split.wrong("tokens", String.valueOf(tokens));
      }
      splits.put(name, new Split(split.integer("unknown_tokens", 0), shards));
    }
    return new CorpusManifest(
        Vocabulary.unit(object),
        type,
        vocabularySize,
        object.text("vocabulary_fingerprint"),
        splits);
  }

  private static Shard parseShard(
      JsonObject object, ElementType type, Set<String> names, String path)
      throws CorruptFileException {
    String name = SafeName.require(object.text("name"), path);
    if (!names.add(name)) {
      throw object.wrong("name", "listed once");
    }
    long tokens = object.integer("tokens", 0);
    long bytes = object.integer("bytes", 0);
    // The manifest decides where the first token lies; the header has to agree when it is read.
    if (tokens > (1L << 52)
        || bytes > (1L << 50)
        || bytes - tokens * type.bytes() != NpyFormat.HEADER_BYTES) {
      throw object.wrong(
          "bytes", "%d + %d · tokens".formatted(NpyFormat.HEADER_BYTES, type.bytes()));
    }
    try {
      return new Shard(name, tokens, bytes, object.text("crc32c"));
    } catch (IllegalArgumentException e) {
      throw new CorruptFileException("Cannot read %s: %s".formatted(path, e.getMessage()), e);
    }
  }
}
