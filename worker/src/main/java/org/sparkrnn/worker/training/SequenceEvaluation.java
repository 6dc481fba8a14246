package org.sparkrnn.worker.training;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.sparkrnn.common.config.TaskConfig.Task;

/** How good a model of sequences is on a split, beside what predicts nothing but the usual. */
public final class SequenceEvaluation implements Measured {
  private final Task task;
  private final long sequences;
  private final long predictions;
  private final int outputs;
  private final double[] sums = new double[SequenceScores.SUMS];
  private final long[] counts;

  private SequenceEvaluation(
      Task task, long sequences, long predictions, int outputs, long[] counts) {
    this.task = task;
    this.sequences = sequences;
    this.predictions = predictions;
    this.outputs = outputs;
    this.counts = counts;
  }

  /**
   * The sum over all parts, whatever the order they are given in.
   *
   * @throws IllegalArgumentException if a part is missing or there twice
   */
  static SequenceEvaluation of(
      Task task, long sequences, int outputs, int parts, List<SequenceScores> scores) {
    List<SequenceScores> ordered = new ArrayList<>(scores);
    ordered.sort(Comparator.comparingInt(SequenceScores::firstPart));
    long[] counts = new long[task == Task.REGRESSION ? 0 : outputs * SequenceScores.COUNTS];
    long predictions = ordered.stream().mapToLong(SequenceScores::predictions).sum();
    SequenceEvaluation evaluation =
        new SequenceEvaluation(task, sequences, predictions, outputs, counts);
    int next = 0;
    for (SequenceScores some : ordered) {
      if (some.firstPart() != next) {
        throw new IllegalArgumentException(
            "Cannot sum an evaluation: part %d follows part %d"
                .formatted(some.firstPart(), next - 1));
      }
      for (int i = 0; i < some.sums().length; i++) {
        evaluation.sums[i % SequenceScores.SUMS] += some.sums()[i];
      }
      for (int i = 0; i < counts.length; i++) {
        counts[i] += some.counts()[i];
      }
      next += some.sums().length / SequenceScores.SUMS;
    }
    if (next != parts) {
      throw new IllegalArgumentException(
          "Cannot sum an evaluation: %d of %d parts".formatted(next, parts));
    }
    return evaluation;
  }

  @Override
  public double loss() {
    return sums[SequenceScores.LOSS] / predictions;
  }

  /** Share of predictions that are right. */
  public double accuracy() {
    return (double) sum(SequenceScores.HITS) / predictions;
  }

  /** Share of the class that occurs most often: what a model reaches that always predicts it. */
  public double majority() {
    long most = 0;
    for (int c = SequenceScores.ACTUAL; c < counts.length; c += SequenceScores.COUNTS) {
      most = Math.max(most, counts[c]);
    }
    return (double) most / predictions;
  }

  /** Mean over the classes that occur of the F1 measure, 2·hits / (predicted + occurrences). */
  public double macroF1() {
    double sum = 0;
    int classes = 0;
    for (int c = 0; c < counts.length; c += SequenceScores.COUNTS) {
      long actual = counts[c + SequenceScores.ACTUAL];
      if (actual > 0) {
        long both = actual + counts[c + SequenceScores.PREDICTED];
        sum += 2.0 * counts[c + SequenceScores.HITS] / both;
        classes++;
      }
    }
    return sum / classes;
  }

  private long sum(int what) {
    long sum = 0;
    for (int c = what; c < counts.length; c += SequenceScores.COUNTS) {
      sum += counts[c];
    }
    return sum;
  }

  /** Mean absolute error of the numbers as the model sees them. */
  public double meanAbsoluteError() {
    return sums[SequenceScores.ABSOLUTE] / predictions;
  }

  /** Mean squared error of the prediction that everything stays as in the last step. */
  public double naiveSquaredError() {
    return sums[SequenceScores.NAIVE_SQUARED] / predictions;
  }

  /** Mean absolute error of the same. */
  public double naiveAbsoluteError() {
    return sums[SequenceScores.NAIVE_ABSOLUTE] / predictions;
  }

  @Override
  public String summary() {
    return task == Task.REGRESSION
        ? text("mean squared error %.4f (last step repeated: %.4f)", loss(), naiveSquaredError())
        : text("%.4f nats per prediction, accuracy %.2f %%", loss(), 100 * accuracy());
  }

  /** Several lines for a reader. */
  public String table() {
    if (task == Task.REGRESSION) {
      return indented(
          """
            sequences            %,d, %,d numbers predicted for each
            mean squared error   %.4f   last step repeated: %.4f
            mean absolute error  %.4f   last step repeated: %.4f""",
          sequences,
          outputs,
          loss(),
          naiveSquaredError(),
          meanAbsoluteError(),
          naiveAbsoluteError());
    }
    return indented(
        """
          sequences            %,d, %,d predictions of %,d %s
          nats per prediction  %.4f
          accuracy             %.2f %%   always the most frequent: %.2f %%
          macro F1             %.4f""",
        sequences,
        predictions,
        outputs,
        task == Task.TAGGING ? "tags" : "labels",
        loss(),
        100 * accuracy(),
        100 * majority(),
        macroF1());
  }

  @Override
  public Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("sequences", sequences);
    fields.put("predictions", predictions);
    if (task == Task.REGRESSION) {
      fields.put("mean_squared_error", loss());
      fields.put("mean_absolute_error", meanAbsoluteError());
      fields.put("naive_mean_squared_error", naiveSquaredError());
      fields.put("naive_mean_absolute_error", naiveAbsoluteError());
    } else {
      fields.put("nats_per_prediction", loss());
      fields.put("accuracy", accuracy());
      fields.put("majority_accuracy", majority());
      fields.put("macro_f1", macroF1());
    }
    return fields;
  }

  private static String indented(String format, Object... arguments) {
    return text(format, arguments).indent(2).stripTrailing();
  }

  private static String text(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }
}
