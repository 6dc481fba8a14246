package org.sparkrnn.driver.metrics;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import org.sparkrnn.common.config.DisplayConfig;
import org.sparkrnn.worker.training.Evaluation;

/**
 * Progress for a person: a bar that is drawn over itself on a terminal, a line per round elsewhere.
 */
public final class Progress implements TrainingListener {
  private static final int LONGEST_BAR = 24;
  private static final int SHORTEST_BAR = 6;
  private static final int NUMBERS_WIDTH = 74;
  private static final int LINES_WIDTH = 110;

  private final PrintStream out;
  private final boolean bar;
  private final int width;
  private int epochs = 1;
  private long firstTokens;
  private long tokensPerEpoch = 1;
  private long beginNanos = System.nanoTime();
  private boolean drawn;

  private Progress(PrintStream out, boolean bar, int columns) {
    this.out = out;
    this.bar = bar;
    this.width = columns > 1 ? columns - 1 : LINES_WIDTH; // the last column would wrap the cursor
  }

  /**
   * The listener that {@code display.progress} asks for; one that is silent for none.
   *
   * @param columns of the terminal behind {@code out}; 0 if it is none
   */
  public static TrainingListener of(DisplayConfig.Progress choice, PrintStream out, int columns) {
    return switch (choice) {
      case NONE -> new TrainingListener() {};
      case PLAIN -> new Progress(out, false, columns);
      case BAR -> new Progress(out, true, columns);
      case AUTO -> new Progress(out, columns > 0, columns);
    };
  }

  @Override
  public void started(RunDescription run) {
    epochs = run.epochs();
    tokensPerEpoch = Math.max(1, run.tokensPerEpoch());
    firstTokens = run.tokens();
    beginNanos = System.nanoTime();
    line(
        text(
            "%s: %,d parameters, %d replicas, %d epochs of %,d tokens, %s of native memory per task",
            run.step() == 0 ? "training" : "resuming at local step " + run.step(),
            run.parameters(),
            run.replicas(),
            run.epochs(),
            run.tokensPerEpoch(),
            bytes(run.taskBytes())));
    if (run.droppedTokens() > 0) {
      line(
          text(
              "%,d tokens of each epoch are left out: fewer than batch.streams remain of a part",
              run.droppedTokens()));
    }
  }

  @Override
  public void roundEnded(RoundMetrics metrics) {
    double done = (double) metrics.tokens() / tokensPerEpoch;
    String numbers =
        text(
            "loss %.4f  %,.0f tokens/s  lr %.3g",
            metrics.lossNats(), metrics.tokensPerSecond(), metrics.learningRate());
    if (bar) {
      double share = Math.min(1, done / epochs);
      int length = Math.max(SHORTEST_BAR, Math.min(LONGEST_BAR, width - NUMBERS_WIDTH));
      int filled = (int) (share * length);
      draw(
          text(
              "[%s%s] %3.0f%%  epoch %d/%d  %s  %s left",
              "#".repeat(filled),
              "-".repeat(length - filled),
              100 * share,
              metrics.epoch() + 1,
              epochs,
              numbers,
              remaining(metrics.tokens())));
    } else {
      line(
          text(
              "round %d  epoch %d/%d  step %d  %s  %s left",
              metrics.round(),
              metrics.epoch() + 1,
              epochs,
              metrics.step(),
              numbers,
              remaining(metrics.tokens())));
    }
  }

  @Override
  public void evaluated(long round, Evaluation evaluation, boolean best) {
    line(
        text(
            "round %d  validation: %.4f nats per token, perplexity %.2f%s",
            round, evaluation.natsPerToken(), evaluation.perplexity(), best ? " (best)" : ""));
  }

  @Override
  public void checkpointSaved(long step, String path) {
    line("saved " + path);
  }

  @Override
  public void ended(String reason) {
    line("training ended: " + reason);
  }

  private String remaining(long tokens) {
    double perToken = (double) (System.nanoTime() - beginNanos) / Math.max(1, tokens - firstTokens);
    double left = Math.max(0, (double) epochs * tokensPerEpoch - tokens);
    long seconds = Duration.ofNanos((long) (left * perToken)).toSeconds();
    return text("%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
  }

  private void draw(String content) {
    out.print("\r" + padded(content));
    out.flush();
    drawn = true;
  }

  private void line(String content) {
    if (drawn) {
      out.print("\r" + " ".repeat(width) + "\r");
      drawn = false;
    }
    out.println(content);
    out.flush();
  }

  private String padded(String content) {
    return content.length() >= width
        ? content.substring(0, width)
        : content + " ".repeat(width - content.length());
  }

  private static String bytes(long count) {
    return text("%,.1f MiB", count / (double) (1 << 20));
  }

  private static String text(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }
}
