package org.sparkrnn.driver.tokenize;

import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.errors.BadInputException;

/**
 * What to tokenize, how, and where the corpus goes. Made by {@link #builder}.
 *
 * <p>Paths are local or any Hadoop URI; a file, a directory (all files below it, by path, without
 * those whose name begins with {@code .} or {@code _}) or a glob. Compressed files are known by the
 * suffixes that Hadoop knows.
 *
 * @param input text to train on, or to split; in this order
 * @param valid validation text; empty for none
 * @param test test text; empty for none
 * @param output folder of the corpus
 * @param unit what a token is; ignored when there is a {@code vocabulary} or {@code append}, which
 *     say it
 * @param splitPercent training, validation and test part of the input, contiguous by tokens; empty:
 *     all is training text
 * @param minCount kinds that occur less often are left out of the vocabulary
 * @param maxVocabulary largest number of kinds, with {@code <unk>} and {@code <eos>}; 0 for no
 *     limit
 * @param vocabulary a corpus, a vocabulary file or a text file with a word on each line to use;
 *     empty: made from the text
 * @param append whether to add the input to the training tokens of an existing corpus, with its
 *     vocabulary
 * @param replaceInvalid whether invalid UTF-8 becomes U+FFFD; an error otherwise
 * @param rangeBytes bytes of text that are read at a time; 0: chosen. The result does not depend on
 *     it
 * @param shardTokens tokens of every shard but the last of a split
 */
public record TokenizeRequest(
    List<String> input,
    List<String> valid,
    List<String> test,
    String output,
    Unit unit,
    List<Double> splitPercent,
    int minCount,
    int maxVocabulary,
    String vocabulary,
    boolean append,
    boolean replaceInvalid,
    long rangeBytes,
    long shardTokens) {

  /** 32 MiB of a vocabulary that fits in 16 bits. */
  static final long DEFAULT_SHARD_TOKENS = 1L << 24;

  public TokenizeRequest {
    input = List.copyOf(input);
    valid = List.copyOf(valid);
    test = List.copyOf(test);
    splitPercent = List.copyOf(splitPercent);
    require(!input.isEmpty(), "no input is given");
    require(!output.isBlank(), "no output folder is given");
    require(
        splitPercent.isEmpty() || (valid.isEmpty() && test.isEmpty()),
        "either validation and test text or a split can be given, not both");
    require(
        splitPercent.isEmpty()
            || (splitPercent.size() == 3
                && splitPercent.stream().allMatch(part -> part >= 0)
                && splitPercent.get(0) > 0
                && Math.abs(splitPercent.stream().mapToDouble(part -> part).sum() - 100) < 1e-9),
        "the split must be three numbers with the sum 100, got " + splitPercent);
    require(
        !append || (splitPercent.isEmpty() && valid.isEmpty() && test.isEmpty()),
        "what is appended becomes training text: no split, validation or test text can be given");
    require(!append || vocabulary.isEmpty(), "what is appended uses the vocabulary of the corpus");
    require(minCount >= 1, "the smallest count must be at least 1, got " + minCount);
    require(
        maxVocabulary == 0 || maxVocabulary >= 3,
        "the largest vocabulary must be 0 (no limit) or at least 3, got " + maxVocabulary);
    require(
        vocabulary.isEmpty() || (minCount == 1 && maxVocabulary == 0),
        "a given vocabulary cannot be limited");
    require(rangeBytes >= 0, "the bytes of a range must not be negative, got " + rangeBytes);
    require(shardTokens >= 1, "a shard must have a token, got " + shardTokens);
  }

  /** A request with all defaults: everything is training text, and every kind is kept. */
  public static Builder builder(List<String> input, Unit unit, String output) {
    return new Builder(input, unit, output);
  }

  /**
   * Cuts a list of paths at its commas, except those inside the braces of a glob, {@code {a,b}}.
   */
  public static List<String> paths(String text) {
    List<String> paths = new ArrayList<>();
    int depth = 0;
    int start = 0;
    for (int i = 0; i <= text.length(); i++) {
      char character = i < text.length() ? text.charAt(i) : ',';
      if (character == '{') {
        depth++;
      } else if (character == '}') {
        depth--;
      } else if (character == ',' && (depth <= 0 || i == text.length())) {
        String path = text.substring(start, i).strip();
        if (!path.isEmpty()) {
          paths.add(path);
        }
        start = i + 1;
      }
    }
    return List.copyOf(paths);
  }

  private static void require(boolean condition, String reason) {
    if (!condition) {
      throw new BadInputException("Cannot tokenize: " + reason);
    }
  }

  /** Collects the parts of a {@link TokenizeRequest}. */
  public static final class Builder {
    private final List<String> input;
    private final Unit unit;
    private final String output;
    private List<String> valid = List.of();
    private List<String> test = List.of();
    private List<Double> splitPercent = List.of();
    private int minCount = 1;
    private int maxVocabulary;
    private String vocabulary = "";
    private boolean append;
    private boolean replaceInvalid;
    private long rangeBytes;
    private long shardTokens = DEFAULT_SHARD_TOKENS;

    private Builder(List<String> input, Unit unit, String output) {
      this.input = input;
      this.unit = unit;
      this.output = output;
    }

    public Builder valid(List<String> paths) {
      this.valid = paths;
      return this;
    }

    public Builder test(List<String> paths) {
      this.test = paths;
      return this;
    }

    public Builder splitPercent(List<Double> percent) {
      this.splitPercent = percent;
      return this;
    }

    public Builder minCount(int count) {
      this.minCount = count;
      return this;
    }

    public Builder maxVocabulary(int kinds) {
      this.maxVocabulary = kinds;
      return this;
    }

    public Builder vocabulary(String path) {
      this.vocabulary = path;
      return this;
    }

    public Builder append(boolean value) {
      this.append = value;
      return this;
    }

    public Builder replaceInvalid(boolean value) {
      this.replaceInvalid = value;
      return this;
    }

    public Builder rangeBytes(long bytes) {
      this.rangeBytes = bytes;
      return this;
    }

    public Builder shardTokens(long tokens) {
      this.shardTokens = tokens;
      return this;
    }

    public TokenizeRequest build() {
      return new TokenizeRequest(
          input,
          valid,
          test,
          output,
          unit,
          splitPercent,
          minCount,
          maxVocabulary,
          vocabulary,
          append,
          replaceInvalid,
          rangeBytes,
          shardTokens);
    }
  }
}
