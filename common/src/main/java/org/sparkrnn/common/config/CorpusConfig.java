package org.sparkrnn.common.config;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.errors.BadInputException;

/**
 * The group {@code corpus}: where the tokenized text lies, and how to make it if it is missing.
 *
 * @param path folder of the tokenized corpus; empty if the caller names it elsewhere
 * @param input text files or folders to tokenize when there is nothing at {@code path}
 * @param split per cent of the text that become training, validation and test tokens
 * @param minCount words that occur less often become {@code <unk>}
 * @param maxVocabulary largest number of kinds of tokens, 0 for no limit
 */
public record CorpusConfig(
    String path, List<String> input, Unit unit, String split, int minCount, int maxVocabulary)
    implements Serializable {
  public CorpusConfig {
    input = List.copyOf(input);
    splitPercent("corpus.split", split);
    Checks.requirePositive("corpus.min-count", minCount);
    Checks.requireNotNegative("corpus.max-vocabulary", maxVocabulary);
    if (maxVocabulary == 1) {
      throw new BadInputException("corpus.max-vocabulary must be 0 or at least 2, got 1");
    }
  }

  /** The three per cents of {@code split}: training, validation, test. */
  public List<Double> splitPercent() {
    return splitPercent("corpus.split", split);
  }

  /**
   * Three numbers that are not negative, separated by commas, with the sum 100 and a positive
   * first.
   *
   * @param key the setting or option to name in the message
   */
  public static List<Double> splitPercent(String key, String text) {
    List<Double> parts = new ArrayList<>();
    double sum = 0;
    try {
      for (String part : text.split(",", -1)) {
        double percent = Double.parseDouble(part.strip());
        if (!(percent >= 0 && percent <= 100)) {
          throw new NumberFormatException();
        }
        parts.add(percent);
        sum += percent;
      }
    } catch (NumberFormatException e) {
      parts.clear();
    }
    if (parts.size() != 3 || Math.abs(sum - 100) > 1e-9 || parts.get(0) == 0) {
      throw new BadInputException(
          ("%s must be three numbers with the sum 100 such as 90,5,5 (training, validation, test),"
                  + " got \"%s\"")
              .formatted(key, text));
    }
    return List.copyOf(parts);
  }
}
