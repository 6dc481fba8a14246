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
  private static final int BAR_WIDTH = 24;
  private static final int LINE_WIDTH = 110;

  private final PrintStream out;
  private final boolean bar;
  private int epochs = 1;
  private long firstTokens;
  private long tokensPerEpoch = 1;
  private long beginNanos = System.nanoTime();
  private boolean drawn;

  private Progress(PrintStream out, boolean bar) {
    this.out = out;
    this.bar = bar;
  }

  /** The listener that {@code display.progress} asks for; one that is silent for none. */
  @SuppressWarnings("SystemConsoleNull") // Java 22 and later: a bar where lines would do
  public static TrainingListener of(DisplayConfig.Progress choice, PrintStream out) {
    return switch (choice) {
      case NONE -> new TrainingListener() {};
      case PLAIN -> new Progress(out, false);
      case BAR -> new Progress(out, true);
      case AUTO -> new Progress(out, System.console() != null);
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
      int filled = (int) (share * BAR_WIDTH);
      draw(
          text(
              "[%s%s] %3.0f%%  epoch %d/%d  %s  %s left",
              "#".repeat(filled),
              "-".repeat(BAR_WIDTH - filled),
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
      out.print("\r" + " ".repeat(LINE_WIDTH) + "\r");
      drawn = false;
    }
    out.println(content);
    out.flush();
  }

  private static String padded(String content) {
    return content.length() >= LINE_WIDTH
        ? content
        : content + " ".repeat(LINE_WIDTH - content.length());
  }

  private static String bytes(long count) {
    return text("%,.1f MiB", count / (double) (1 << 20));
  }

  private static String text(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }
}
