package org.sparkrnn.worker.training;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.sequences.SequenceSource;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.sequences.SequenceBatch;
import org.sparkrnn.worker.sequences.SequenceModel;

/**
 * Computes the loss of a model on a split of N sequences. A sequence gives the same bits in every
 * batch; losses are summed in double in the order of the sequences, by parts: part s of S has the
 * sequences [⌊sN/S⌋, ⌊(s+1)N/S⌋).
 */
public final class SequenceEvaluator {
  private static final int PARTS = 64;

  private final TrainingConfig config;
  private final ModelSpec spec;
  private final List<Integer> targetColumns;
  private final SequenceSource source;
  private final int parts;
  private final double[] sums;
  private final long[] counts;
  private final int firstPart;
  private long predictions;

  private SequenceEvaluator(
      TrainingConfig config,
      ModelSpec spec,
      List<Integer> targetColumns,
      SequenceSource source,
      int parts,
      int firstPart,
      int count) {
    this.config = config;
    this.spec = spec;
    this.targetColumns = targetColumns;
    this.source = source;
    this.parts = parts;
    this.firstPart = firstPart;
    this.sums = new double[count * SequenceScores.SUMS];
    this.counts = new long[isRegression() ? 0 : spec.outputs() * SequenceScores.COUNTS];
  }

  /** Parts that a split is cut into. */
  public static int parts(TrainingConfig config) {
    int streams = config.evaluation().streams();
    return streams > 0 ? streams : PARTS;
  }

  /**
   * Evaluates some neighbouring parts.
   *
   * @param targetColumns columns of a step that the targets continue; none for classes
   * @param cancelled asked between batches
   * @throws CancellationException if cancelled
   */
  public static SequenceScores evaluate(
      TrainingConfig config,
      ModelSpec spec,
      Kernel kernel,
      float[] parameters,
      List<Integer> targetColumns,
      SequenceSource source,
      int firstPart,
      int count,
      BooleanSupplier cancelled)
      throws IOException {
    SequenceEvaluator evaluator =
        new SequenceEvaluator(config, spec, targetColumns, source, parts(config), firstPart, count);
    evaluator.run(kernel, parameters, cancelled);
    return new SequenceScores(firstPart, evaluator.sums, evaluator.counts, evaluator.predictions);
  }

  /** The whole, from the scores of all parts. */
  public static SequenceEvaluation sum(
      TrainingConfig config, ModelSpec spec, long sequences, List<SequenceScores> scores) {
    return SequenceEvaluation.of(
        spec.task().task(), sequences, spec.outputs(), parts(config), scores);
  }

  private boolean isRegression() {
    return spec.task().task() == Task.REGRESSION;
  }

  /** The first sequence of a part. */
  private long first(int part) {
    long size = source.size();
    return size / parts * part + size % parts * part / parts;
  }

  private void run(Kernel kernel, float[] parameters, BooleanSupplier cancelled)
      throws IOException {
    int streams = config.batch().globalStreams();
    int steps = config.batch().window();
    int endPart = firstPart + sums.length / SequenceScores.SUMS;
    SequenceBatch batch = new SequenceBatch(spec, streams, steps);
    long[] numbers = new long[streams];
    double[] losses = new double[spec.task().task() == Task.TAGGING ? streams * steps : streams];
    float[] outputs = new float[losses.length * spec.outputs()];
    try (SequenceModel model = SequenceModel.forEvaluation(spec, kernel, streams, steps)) {
      model.setParameters(parameters);
      for (long from = first(firstPart); from < first(endPart); from += streams) {
        if (cancelled.getAsBoolean()) {
          throw new CancellationException("Cannot finish the evaluation: it was cancelled");
        }
        int size = (int) Math.min(streams, first(endPart) - from);
        for (int i = 0; i < size; i++) {
          numbers[i] = from + i;
        }
        batch.fill(source, numbers, size, true);
        model.evaluate(batch);
        model.losses(batch.predictions(), losses);
        model.outputs(batch.predictions(), outputs);
        add(batch, from, losses, outputs);
      }
    }
  }

  private void add(SequenceBatch batch, long from, double[] losses, float[] outputs) {
    predictions += batch.predictions();
    int part = firstPart;
    for (int b = 0; b < batch.count(); b++) {
      while (first(part + 1) <= from + b) {
        part++;
      }
      int at = (part - firstPart) * SequenceScores.SUMS;
      if (isRegression()) {
        sums[at + SequenceScores.LOSS] += losses[b];
        addErrors(batch, b, outputs, at);
      } else if (spec.task().task() == Task.CLASSIFICATION) {
        sums[at + SequenceScores.LOSS] += losses[b];
        count(outputs, b, batch.classes()[b]);
      } else {
        for (int t = 0; t < batch.lengths()[b]; t++) {
          int prediction = batch.featureOf()[t * batch.streams() + b];
          sums[at + SequenceScores.LOSS] += losses[prediction];
          count(outputs, prediction, batch.classes()[prediction]);
        }
      }
    }
  }

  private void count(float[] outputs, int prediction, int right) {
    int predicted = largest(outputs, prediction * spec.outputs(), spec.outputs());
    counts[predicted * SequenceScores.COUNTS + SequenceScores.PREDICTED]++;
    counts[right * SequenceScores.COUNTS + SequenceScores.ACTUAL]++;
    if (predicted == right) {
      counts[right * SequenceScores.COUNTS + SequenceScores.HITS]++;
    }
  }

  /** Index of the first of the largest values, counted from {@code from}. */
  public static int largest(float[] values, int from, int count) {
    int largest = 0;
    for (int i = 1; i < count; i++) {
      if (values[from + i] > values[from + largest]) {
        largest = i;
      }
    }
    return largest;
  }

  private void addErrors(SequenceBatch batch, int b, float[] outputs, int at) {
    int columns = spec.vocabulary();
    int last = ((batch.lengths()[b] - 1) * batch.streams() + b) * columns;
    int size = spec.outputs();
    double absolute = 0;
    double naiveSquared = 0;
    double naiveAbsolute = 0;
    for (int j = 0; j < size; j++) {
      double target = batch.targets()[b * size + j];
      double error = outputs[b * size + j] - target;
      int column = targetColumns.get(j % targetColumns.size());
      double naive = batch.values()[last + column] - target;
      absolute += Math.abs(error);
      naiveSquared += naive * naive;
      naiveAbsolute += Math.abs(naive);
    }
    sums[at + SequenceScores.ABSOLUTE] += absolute / size;
    sums[at + SequenceScores.NAIVE_SQUARED] += naiveSquared / size;
    sums[at + SequenceScores.NAIVE_ABSOLUTE] += naiveAbsolute / size;
  }
}
