package org.sparkrnn.jobs;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.sequences.SequenceRequest;
import org.sparkrnn.driver.sequences.SequenceRequest.Format;
import org.sparkrnn.driver.sequences.SequenceRequest.Series;
import org.sparkrnn.driver.tokenize.TokenizeRequest;
import picocli.CommandLine.Option;

/** The options of {@code tokenize} for sequences that have labels, tags or targets. */
final class SequenceOptions {
  private static final String TEXT = "text";

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      defaultValue = TEXT,
      description =
          "text (one stream of tokens, for language models; default), labelled (lines: label, tab or"
              + " space, text), files (lines, whose label is the file's name), tagged (a token and its"
              + " tag in columns), conllu (Universal Dependencies), numbers (a table, CSV).")
  private String format = TEXT;

  @Option(
      names = "--token-column",
      paramLabel = "N",
      description = "tagged: column of the tokens, from 1 (default: 1; conllu: 2).")
  private int tokenColumn;

  @Option(
      names = "--tag-column",
      paramLabel = "N",
      description = "tagged: column of the tags, from 1 (default: 2; conllu: 4, UPOS).")
  private int tagColumn;

  @Option(
      names = "--columns",
      paramLabel = "NAME[,NAME...]",
      description = "numbers: columns of a step (default: all).")
  private String columns = "";

  @Option(
      names = "--targets",
      paramLabel = "NAME[,NAME...]",
      description = "numbers: those of them to predict (default: all of them).")
  private String targets = "";

  @Option(
      names = "--history",
      paramLabel = "N",
      defaultValue = "24",
      description = "numbers: rows that a prediction is made from (default: ${DEFAULT-VALUE}).")
  private int history;

  @Option(
      names = "--horizon",
      paramLabel = "N",
      defaultValue = "1",
      description = "numbers: rows to predict (default: ${DEFAULT-VALUE}).")
  private int horizon;

  @Option(
      names = "--stride",
      paramLabel = "N",
      defaultValue = "1",
      description = "numbers: rows from one sequence to the next (default: ${DEFAULT-VALUE}).")
  private int stride;

  @Option(
      names = "--raw",
      description =
          "numbers: as they are, instead of with mean 0 and deviation 1 of the training rows.")
  private boolean raw;

  @Option(
      names = "--rows",
      paramLabel = "N,N,N",
      description = "numbers: rows for training, validation and test, instead of --split.")
  private String rows = "";

  /** Whether the text becomes one stream of tokens. */
  boolean isText() {
    return format.equals(TEXT);
  }

  SequenceRequest request(
      String input,
      String valid,
      String test,
      String output,
      Unit unit,
      List<Double> split,
      int minCount,
      int maxVocabulary) {
    Format chosen = format();
    boolean conllu = chosen == Format.CONLLU;
    return new SequenceRequest(
        chosen,
        TokenizeRequest.paths(input),
        TokenizeRequest.paths(valid),
        TokenizeRequest.paths(test),
        output,
        unit,
        split,
        minCount,
        maxVocabulary,
        tokenColumn > 0 ? tokenColumn : conllu ? 2 : 1,
        tagColumn > 0 ? tagColumn : conllu ? 4 : 2,
        new Series(names(columns), names(targets), history, horizon, stride, !raw, counts()));
  }

  /** Whether a unit has to be said. */
  boolean needsUnit() {
    return isText() || format() == Format.LABELLED || format() == Format.FILES;
  }

  private Format format() {
    for (Format each : Format.values()) {
      if (each.name().toLowerCase(Locale.ROOT).equals(format)) {
        return each;
      }
    }
    throw new BadInputException(
        "Cannot tokenize: --format must be text, labelled, files, tagged, conllu or numbers, got "
            + format);
  }

  private static List<String> names(String text) {
    return Arrays.stream(text.split(",", -1)).map(String::strip).filter(s -> !s.isEmpty()).toList();
  }

  private List<Integer> counts() {
    List<Integer> counts = new ArrayList<>();
    try {
      for (String count : names(rows)) {
        counts.add(Integer.parseInt(count));
      }
    } catch (NumberFormatException e) {
      throw new BadInputException("Cannot tokenize: --rows must be three numbers, got " + rows);
    }
    return counts;
  }
}
