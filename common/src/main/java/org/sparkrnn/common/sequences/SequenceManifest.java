package org.sparkrnn.common.sequences;

import java.io.IOException;
import java.io.Serializable;
import java.util.Collections;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparkrnn.common.corpus.CorpusManifest;
import org.sparkrnn.common.corpus.ElementType;
import org.sparkrnn.common.corpus.NpyFormat;
import org.sparkrnn.common.corpus.Shard;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.sequences.SequenceSchema.Input;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.common.storage.JsonObject;
import org.sparkrnn.common.storage.SafeName;
import org.sparkrnn.common.storage.SealedJson;

/**
 * What a corpus of sequences consists of. It is written after all that it lists: a folder without
 * it is none.
 *
 * <p>Arrays of a split, N sequences of S steps in all: {@code offsets [N + 1]}, the first step of
 * each sequence and S; {@code tokens [S]} or {@code values [S · columns]}; {@code labels [N]},
 * {@code tags [S]} or {@code targets [N · outputs]}.
 *
 * @param vocabularySize kinds of tokens, or columns
 * @param outputs classes, or numbers that are predicted for a sequence
 */
public record SequenceManifest(
    SequenceSchema.Input input,
    SequenceSchema.Output output,
    int vocabularySize,
    String vocabularyFingerprint,
    int outputs,
    String schemaFingerprint,
    SortedMap<String, SequenceSplit> splits)
    implements Serializable {
  static final String OFFSETS = "offsets";
  private static final String FORMAT = "spark-rnn sequences";
  private static final int MAX_FILE_BYTES = 1 << 30;
  private static final long MOST_ELEMENTS = 1L << 48;

  public SequenceManifest {
    splits = Collections.unmodifiableSortedMap(new TreeMap<>(splits));
  }

  /** The manifest of a corpus with that vocabulary and schema. */
  public static SequenceManifest of(
      Vocabulary vocabulary, SequenceSchema schema, Map<String, SequenceSplit> splits) {
    return new SequenceManifest(
        schema.input(),
        schema.output(),
        vocabulary.size(),
        vocabulary.fingerprint(),
        schema.outputs(),
        schema.fingerprint(),
        new TreeMap<>(splits));
  }

  /** Name of the array that holds the steps. */
  String inputArray() {
    return input == Input.TOKENS ? "tokens" : "values";
  }

  /** Name of the array that holds what is predicted. */
  String outputArray() {
    return switch (output) {
      case LABELS -> "labels";
      case TAGS -> "tags";
      case TARGETS -> "targets";
    };
  }

  ElementType inputType() {
    return input == Input.TOKENS ? ElementType.forVocabulary(vocabularySize) : ElementType.FLOAT32;
  }

  ElementType outputType() {
    return output == SequenceSchema.Output.TARGETS
        ? ElementType.FLOAT32
        : ElementType.forVocabulary(outputs);
  }

  /** Numbers of one step in the input array. */
  int inputWidth() {
    return input == Input.TOKENS ? 1 : vocabularySize;
  }

  /**
   * The split of that name.
   *
   * @throws BadInputException if the corpus has none
   */
  public SequenceSplit split(String name) {
    SequenceSplit split = splits.get(name);
    if (split == null) {
      throw new BadInputException(
          "Cannot find split %s: the corpus has only %s"
              .formatted(name, String.join(", ", splits.keySet())));
    }
    return split;
  }

  /**
   * Reads the manifest of the corpus in a folder.
   *
   * @throws BadInputException if there is none
   * @throws CorruptFileException if it is damaged
   */
  public static SequenceManifest read(Files files, String corpus) throws IOException {
    String path = Files.join(corpus, CorpusManifest.FILE);
    if (!files.exists(path)) {
      throw new BadInputException(
          "Cannot read corpus %s: there is no %s in it".formatted(corpus, CorpusManifest.FILE));
    }
    return parse(Channels.readAll(files, path, MAX_FILE_BYTES), path);
  }

  /** The bytes of the file. */
  public byte[] toJson() {
    Map<String, Object> named = new TreeMap<>();
    splits.forEach((name, split) -> named.put(name, fields(split)));
    Map<String, Object> object = new TreeMap<>();
    object.put("format", FORMAT);
    object.put("version", 1);
    object.put("input", inputArray());
    object.put("output", outputArray());
    object.put("vocabulary_size", vocabularySize);
    object.put("vocabulary_fingerprint", vocabularyFingerprint);
    object.put("outputs", outputs);
    object.put("schema_fingerprint", schemaFingerprint);
    object.put("splits", named);
    return SealedJson.bytes(object);
  }

  private static Map<String, Object> fields(SequenceSplit split) {
    Map<String, Object> arrays = new TreeMap<>();
    split
        .arrays()
        .forEach(
            (name, array) ->
                arrays.put(
                    name,
                    new TreeMap<>(
                        Map.of(
                            "name", array.name(),
                            "elements", array.tokens(),
                            "bytes", array.bytes(),
                            "crc32c", array.blockChecksums()))));
    return new TreeMap<>(
        Map.of(
            "sequences", split.sequences(),
            "steps", split.steps(),
            "longest", split.longest(),
            "unknown_tokens", split.unknownTokens(),
            "arrays", arrays));
  }

  static SequenceManifest parse(byte[] json, String path) throws CorruptFileException {
    JsonObject object = SealedJson.parse(json, path);
    if (!object.text("format").equals(FORMAT)) {
      throw object.wrong("format", "\"" + FORMAT + "\"");
    }
    if (object.integer("version", 1) != 1) {
      throw object.wrong("version", "1");
    }
    SequenceManifest manifest =
        new SequenceManifest(
            switch (object.text("input")) {
              case "tokens" -> Input.TOKENS;
              case "values" -> Input.VALUES;
              default -> throw object.wrong("input", "tokens or values");
            },
            switch (object.text("output")) {
              case "labels" -> SequenceSchema.Output.LABELS;
              case "tags" -> SequenceSchema.Output.TAGS;
              case "targets" -> SequenceSchema.Output.TARGETS;
              default -> throw object.wrong("output", "labels, tags or targets");
            },
            object.smallInteger("vocabulary_size", 1),
            object.text("vocabulary_fingerprint"),
            object.smallInteger("outputs", 1),
            object.text("schema_fingerprint"),
            new TreeMap<>());
    Set<String> files = new HashSet<>();
    SortedMap<String, SequenceSplit> splits = new TreeMap<>();
    JsonObject named = object.object("splits");
    for (String name : named.names()) {
      splits.put(name, manifest.parseSplit(named.object(name), files, path));
    }
    return new SequenceManifest(
        manifest.input,
        manifest.output,
        manifest.vocabularySize,
        manifest.vocabularyFingerprint,
        manifest.outputs,
        manifest.schemaFingerprint,
        splits);
  }

  private SequenceSplit parseSplit(JsonObject split, Set<String> files, String path)
      throws CorruptFileException {
    long sequences = counter(split, "sequences", 0);
    long steps = counter(split, "steps", sequences);
    int longest = split.smallInteger("longest", sequences == 0 ? 0 : 1);
    if (longest > steps || (double) longest * sequences < steps) {
      throw split.wrong("longest", "a length that %d steps allow".formatted(steps));
    }
    long outputElements =
        switch (output) {
          case LABELS -> sequences;
          case TAGS -> steps;
          case TARGETS -> product(split, sequences, outputs);
        };
    JsonObject arrays = split.object("arrays");
    SortedMap<String, Shard> parsed = new TreeMap<>();
    parsed.put(OFFSETS, array(arrays, OFFSETS, ElementType.INT64, sequences + 1, files, path));
    long inputElements = product(split, steps, inputWidth());
    parsed.put(inputArray(), array(arrays, inputArray(), inputType(), inputElements, files, path));
    parsed.put(
        outputArray(), array(arrays, outputArray(), outputType(), outputElements, files, path));
    return new SequenceSplit(sequences, steps, longest, split.integer("unknown_tokens", 0), parsed);
  }

  private static long product(JsonObject split, long count, int width) throws CorruptFileException {
    if (count > MOST_ELEMENTS / width) {
      throw split.wrong("steps", "fewer");
    }
    return count * width;
  }

  private static long counter(JsonObject object, String name, long least)
      throws CorruptFileException {
    long value = object.integer(name, least);
    if (value > MOST_ELEMENTS) {
      throw object.wrong(name, "at most " + MOST_ELEMENTS);
    }
    return value;
  }

  private static Shard array(
      JsonObject arrays,
      String what,
      ElementType type,
      long elements,
      Set<String> files,
      String path)
      throws CorruptFileException {
    JsonObject object = arrays.object(what);
    String name = SafeName.require(object.text("name"), path);
    if (!files.add(name)) {
      throw object.wrong("name", "listed once");
    }
    if (object.integer("elements", 0) != elements) {
      throw object.wrong("elements", String.valueOf(elements));
    }
    long bytes = NpyFormat.HEADER_BYTES + elements * type.bytes();
    if (object.integer("bytes", 0) != bytes) {
      throw object.wrong("bytes", String.valueOf(bytes));
    }
    try {
      return new Shard(name, elements, bytes, object.text("crc32c"));
    } catch (IllegalArgumentException e) {
      throw new CorruptFileException("Cannot read %s: %s".formatted(path, e.getMessage()), e);
    }
  }
}
