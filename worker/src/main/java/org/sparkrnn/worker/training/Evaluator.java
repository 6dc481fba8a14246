package org.sparkrnn.worker.training;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.ModelSpec;

/**
 * Computes the loss of a model on a split. Stream s of S reads tokens [⌊sN/S⌋, ⌊(s+1)N/S⌋) from a
 * zero state, which it carries to its end; all but its first token are predicted. Streams that run
 * side by side in one call give the same bits as each alone.
 */
public final class Evaluator {
  /** What to pass for the unknown token if the vocabulary has none. */
  public static final int NO_UNKNOWN = -1;

  /** Time steps of a window: results do not depend on it. */
  private static final int WINDOW = 32;

  private Evaluator() {}

  /** Streams that a split is cut into: the setting, else 1 for test, the batch's for the others. */
  public static int streams(TrainingConfig config, String split) {
    int streams = config.evaluation().streams();
    if (streams > 0) {
      return streams;
    }
    return split.equals("test") ? 1 : config.batch().globalStreams();
  }

  /** Evaluates all streams here, at most {@code atOnce} side by side. */
  public static Evaluation evaluate(
      ModelSpec spec,
      Kernel kernel,
      float[] parameters,
      TokenSource source,
      long tokens,
      int streams,
      int atOnce,
      int unknownToken)
      throws IOException {
    List<StreamLosses> parts = new java.util.ArrayList<>();
    for (int first = 0; first < streams; first += atOnce) {
      int count = Math.min(atOnce, streams - first);
      parts.add(
          evaluateStreams(
              spec,
              kernel,
              parameters,
              source,
              tokens,
              streams,
              first,
              count,
              unknownToken,
              () -> false));
    }
    return Evaluation.of(tokens, streams, parts);
  }

  /**
   * Evaluates {@code count} neighbouring streams side by side.
   *
   * @param tokens N, tokens of the split
   * @param streams S
   * @param unknownToken the label to count, or {@link #NO_UNKNOWN}
   * @param cancelled asked between windows
   * @throws CancellationException if cancelled
   */
  public static StreamLosses evaluateStreams(
      ModelSpec spec,
      Kernel kernel,
      float[] parameters,
      TokenSource source,
      long tokens,
      int streams,
      int firstStream,
      int count,
      int unknownToken,
      BooleanSupplier cancelled)
      throws IOException {
    Plan cut = new Plan(tokens, streams, 1, WINDOW); // its parts are the streams
    double[] lossSumsNats = new double[count];
    long[] predictions = new long[count];
    long[] unknown = new long[count];
    long longest = 0;
    for (int i = 0; i < count; i++) {
      long length = cut.firstToken(firstStream + i + 1) - cut.firstToken(firstStream + i);
      predictions[i] = Math.max(0, length - 1);
      longest = Math.max(longest, predictions[i]);
    }
    WindowReader windows = new WindowReader(source, count, WINDOW);
    double[] losses = new double[count * WINDOW];
    try (LanguageModel model = LanguageModel.forEvaluation(spec, kernel, count, WINDOW)) {
      model.setParameters(parameters);
      for (long done = 0; done < longest; done += WINDOW) {
        if (cancelled.getAsBoolean()) {
          throw new CancellationException("Cannot finish the evaluation: it was cancelled");
        }
        int time = (int) Math.min(WINDOW, longest - done);
        windows.clear();
        for (int i = 0; i < count; i++) {
          int own = (int) Math.max(0, Math.min(time, predictions[i] - done));
          if (own > 0) {
            windows.read(i, cut.firstToken(firstStream + i) + done, own);
          }
        }
        model.evaluate(time, windows.tokens(), windows.labels());
        model.losses(time * count, losses);
        model.carryState(time);
        for (int position = 0; position < time * count; position++) {
          int i = position % count;
          if (done + position / count < predictions[i]) {
            lossSumsNats[i] += losses[position];
            unknown[i] += windows.labels()[position] == unknownToken ? 1 : 0;
          }
        }
      }
    }
    return new StreamLosses(firstStream, lossSumsNats, predictions, unknown);
  }
}
