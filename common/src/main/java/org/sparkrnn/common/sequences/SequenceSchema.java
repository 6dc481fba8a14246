package org.sparkrnn.common.sequences;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.Checksums;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.common.storage.Json;
import org.sparkrnn.common.storage.JsonObject;

/**
 * What the numbers of a corpus of sequences mean, beside its vocabulary, which names the tokens or,
 * for real numbers, the columns. A model carries the schema of the corpus it was trained on.
 *
 * @param names of the labels or tags by index; for targets, of the columns that are predicted
 * @param scales of each column of a step; none for tokens
 * @param targetColumns columns that are predicted, counted among those of a step; none for labels
 *     and tags
 * @param horizon steps ahead that are predicted; 0 for labels and tags
 */
public record SequenceSchema(
    Input input,
    Output output,
    List<String> names,
    List<Scale> scales,
    List<Integer> targetColumns,
    int horizon)
    implements Serializable {
  /** Name of the file in a corpus and in a checkpoint. */
  public static final String FILE = "schema.json";

  /** The longest file that is read. */
  public static final int MAX_FILE_BYTES = 1 << 27;

  private static final String FORMAT = "spark-rnn sequence schema";
  private static final int MOST_OUTPUTS = 1 << 24;

  /** What a step of a sequence is. */
  public enum Input {
    TOKENS,
    VALUES
  }

  /** What is predicted. */
  public enum Output {
    /** One of some classes for each sequence. */
    LABELS,
    /** One of some classes for each step. */
    TAGS,
    /** Numbers for each sequence: the steps that follow it. */
    TARGETS
  }

  /** A column was brought from x to (x − mean) / deviation. */
  public record Scale(double mean, double deviation) implements Serializable {
    public Scale {
      if (!Double.isFinite(mean) || !(deviation > 0) || Double.isInfinite(deviation)) {
        throw new BadInputException(
            "Cannot scale a column with mean %s and deviation %s".formatted(mean, deviation));
      }
    }

    public float apply(double value) {
      return (float) ((value - mean) / deviation);
    }

    public double undo(double scaled) {
      return scaled * deviation + mean;
    }
  }

  public SequenceSchema {
    names = List.copyOf(names);
    scales = List.copyOf(scales);
    targetColumns = List.copyOf(targetColumns);
    boolean regression = output == Output.TARGETS;
    int columns = scales.size();
    require(new HashSet<>(names).size() == names.size(), "two names are equal");
    require(!names.isEmpty() && names.stream().noneMatch(String::isEmpty), "a name is missing");
    require((input == Input.VALUES) == columns > 0, "tokens have no scales, values have");
    require(!regression || input == Input.VALUES, "targets are columns of values");
    require(regression == horizon > 0, "targets have a horizon, classes have none");
    require(targetColumns.size() == (regression ? names.size() : 0), "a target column is missing");
    require(targetColumns.stream().allMatch(c -> c >= 0 && c < columns), "no such target column");
    require((long) horizon * names.size() <= MOST_OUTPUTS, "too many numbers are predicted");
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new BadInputException("Cannot describe sequences: " + otherwise);
    }
  }

  /** The schema of sequences of tokens with classes of these names. */
  public static SequenceSchema ofTokens(Output output, List<String> names) {
    return new SequenceSchema(Input.TOKENS, output, names, List.of(), List.of(), 0);
  }

  /** Classes, or numbers that are predicted for a sequence: {@code [horizon, target columns]}. */
  public int outputs() {
    return output == Output.TARGETS ? horizon * names.size() : names.size();
  }

  /** The scale of one of the numbers that are predicted. */
  public Scale targetScale(int target) {
    return scales.get(targetColumns.get(target % targetColumns.size()));
  }

  /** Equal for equal schemas only. */
  public String fingerprint() {
    return Checksums.sha256Hex(toJson());
  }

  /** The file's bytes. */
  public byte[] toJson() {
    Map<String, Object> object = new TreeMap<>();
    object.put("format", FORMAT);
    object.put("version", 1);
    object.put("input", text(input));
    object.put("output", text(output));
    object.put("names", names);
    object.put("means", scales.stream().map(Scale::mean).toList());
    object.put("deviations", scales.stream().map(Scale::deviation).toList());
    object.put("target_columns", targetColumns);
    object.put("horizon", horizon);
    return Json.bytes(object);
  }

  private static String text(Enum<?> word) {
    return word.name().toLowerCase(Locale.ROOT);
  }

  public static SequenceSchema read(Files files, String path) throws IOException {
    return parse(Channels.readAll(files, path, MAX_FILE_BYTES), path);
  }

  /**
   * The schema in the bytes of a file.
   *
   * @param path the file to name in messages
   */
  public static SequenceSchema parse(byte[] json, String path) throws CorruptFileException {
    JsonObject object = Json.parse(json, path);
    if (!object.text("format").equals(FORMAT)) {
      throw object.wrong("format", "\"" + FORMAT + "\"");
    }
    if (object.integer("version", 1) != 1) {
      throw object.wrong("version", "1");
    }
    double[] means = object.numbers("means");
    double[] deviations = object.numbers("deviations");
    if (means.length != deviations.length) {
      throw object.wrong("deviations", "as many as means");
    }
    List<Integer> targets = new ArrayList<>();
    for (long column : object.integers("target_columns", 0)) {
      targets.add((int) Math.min(column, Integer.MAX_VALUE));
    }
    try {
      List<Scale> scales = new ArrayList<>();
      for (int i = 0; i < means.length; i++) {
        scales.add(new Scale(means[i], deviations[i]));
      }
      return new SequenceSchema(
          word(object, "input", Input.class),
          word(object, "output", Output.class),
          object.texts("names"),
          scales,
          targets,
          object.smallInteger("horizon", 0));
    } catch (BadInputException e) {
      throw new CorruptFileException("Cannot read %s: %s".formatted(path, e.getMessage()), e);
    }
  }

  private static <E extends Enum<E>> E word(JsonObject object, String name, Class<E> words)
      throws CorruptFileException {
    String text = object.text(name);
    for (E word : words.getEnumConstants()) {
      if (text(word).equals(text)) {
        return word;
      }
    }
    throw object.wrong(name, "one of " + List.of(words.getEnumConstants()));
  }
}
