package org.sparkrnn.driver.sequences;

import java.util.List;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.errors.BadInputException;

/**
 * What to make a corpus of sequences from, and how.
 *
 * @param input files to train on, or to split
 * @param valid validation files; empty for none
 * @param test test files; empty for none
 * @param output folder of the corpus
 * @param unit what a token of a text is; tagged lines have words
 * @param splitPercent training, validation and test part of the input; empty: all is for training
 * @param minCount kinds of tokens that occur less often become the unknown one
 * @param maxVocabulary largest number of kinds, the unknown one included; 0 for no limit
 * @param tokenColumn of tagged lines, from 1
 * @param tagColumn likewise
 * @param series for numbers
 */
public record SequenceRequest(
    Format format,
    List<String> input,
    List<String> valid,
    List<String> test,
    String output,
    Unit unit,
    List<Double> splitPercent,
    int minCount,
    int maxVocabulary,
    int tokenColumn,
    int tagColumn,
    Series series) {

  /** How sequences stand in files. */
  public enum Format {
    /** A line is a label, a tab or space, and a text. */
    LABELLED,
    /** A line is a text, whose label is the name of its file without what follows its first dot. */
    FILES,
    /** A line is a token and its tag among columns; an empty line ends a sequence. */
    TAGGED,
    /** Universal Dependencies: as tagged, without comments, ranges and empty nodes. */
    CONLLU,
    /** A table with a header, a row for each step of time. */
    NUMBERS
  }

  /**
   * How a table of numbers becomes sequences.
   *
   * @param columns names of those that a step has; empty: all
   * @param targets names of those that are predicted; empty: all of {@code columns}
   * @param history steps of a sequence
   * @param horizon steps that are predicted
   * @param stride rows from one sequence to the next
   * @param standardise whether to bring each column to mean 0 and deviation 1 in training
   * @param rows rows for training, validation and test, in this order; empty: by per cent
   */
  public record Series(
      List<String> columns,
      List<String> targets,
      int history,
      int horizon,
      int stride,
      boolean standardise,
      List<Integer> rows) {
    public Series {
      columns = List.copyOf(columns);
      targets = List.copyOf(targets);
      rows = List.copyOf(rows);
      require(history >= 1, "the history must have a step, got " + history);
      require(horizon >= 1, "the horizon must be at least 1, got " + horizon);
      require(stride >= 1, "the stride must be at least 1, got " + stride);
      require(rows.stream().allMatch(count -> count >= 0), "rows must not be negative");
      require(
          rows.isEmpty() || (rows.size() == 3 && rows.get(0) > 0),
          "rows must be three numbers, the first positive");
    }
  }

  public SequenceRequest {
    input = List.copyOf(input);
    valid = List.copyOf(valid);
    test = List.copyOf(test);
    splitPercent = List.copyOf(splitPercent);
    boolean own = !valid.isEmpty() || !test.isEmpty();
    require(!input.isEmpty(), "no input is given");
    require(!output.isBlank(), "no output folder is given");
    require(!own || splitPercent.isEmpty(), "either other splits' files or a split can be given");
    require(
        format != Format.NUMBERS || !own, "a table is cut into splits by --split or --rows alone");
    require(
        format == Format.NUMBERS || series.rows().isEmpty(), "only a table can be cut by --rows");
    require(
        series.rows().isEmpty() || splitPercent.isEmpty(), "--rows and --split exclude each other");
    require(minCount >= 1, "the smallest count must be at least 1, got " + minCount);
    require(
        maxVocabulary == 0 || maxVocabulary >= 2,
        "the largest vocabulary must be 0 (no limit) or at least 2, got " + maxVocabulary);
    require(tokenColumn >= 1 && tagColumn >= 1, "columns are counted from 1");
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new BadInputException("Cannot tokenize: " + otherwise);
    }
  }
}
