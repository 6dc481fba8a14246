package org.sparkrnn.jobs;

import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.sparkrnn.common.config.DisplayConfig;
import org.sparkrnn.driver.metrics.RoundMetrics;
import org.sparkrnn.driver.metrics.RunDescription;
import org.sparkrnn.driver.metrics.TrainingListener;
import org.sparkrnn.worker.training.Measured;
import org.sparkrnn.worker.training.Plan.Unit;

/**
 * Progress for a person: a bar of tokens or sequences on a terminal, a line per round elsewhere.
 * Closing it leaves the bar where it is and begins a new line.
 */
final class Progress implements TrainingListener, AutoCloseable {
  private static final int UPDATE_MILLIS = 1000;
  private static final int THOUSAND = 1_000;
  private static final int MILLION = 1_000_000;
  private static final int UNKNOWN_WIDTH = 100;

  /** DECAWM: a terminal that has become narrower cuts the bar off, instead of scrolling. */
  private static final String NO_WRAP = "\u001b[?7l";

  private static final String WRAP = "\u001b[?7h";

  private final PrintStream out;
  private final int columns;
  private Optional<ProgressBar> bar = Optional.empty();
  private int epochs = 1;
  private Unit unit = Unit.TOKENS;
  private long tokensPerEpoch = 1;
  private long firstTokens;
  private long beginNanos = System.nanoTime();

  private Progress(PrintStream out, int columns) {
    this.out = out;
    this.columns = columns;
  }

  /** What {@code display.progress} asks for. */
  static Progress of(DisplayConfig.Progress choice, Console console) {
    return switch (choice) {
      case NONE -> new Progress(new PrintStream(OutputStream.nullOutputStream()), 0);
      case PLAIN -> new Progress(console.error(), 0);
      case BAR ->
          new Progress(console.error(), console.columns() > 0 ? console.columns() : UNKNOWN_WIDTH);
      case AUTO -> new Progress(console.error(), console.columns());
    };
  }

  @Override
  public void started(RunDescription run) {
    epochs = run.epochs();
    unit = run.unit();
    tokensPerEpoch = Math.max(1, run.tokensPerEpoch());
    firstTokens = run.tokens();
    beginNanos = System.nanoTime();
    line(
        text(
            "%s: %,d parameters, %s, %s of %,d %s; a task takes %,.1f MiB of"
                + " native memory and %,.1f MiB of heap",
            run.step() == 0 ? "training" : "resuming at local step " + run.step(),
            run.parameters(),
            Console.count(run.replicas(), "replica"),
            Console.count(run.epochs(), "epoch"),
            run.tokensPerEpoch(),
            unit.word(),
            mebibytes(run.taskMemory().nativeBytes()),
            mebibytes(run.taskMemory().heapBytes())));
    line("memory: " + run.memory());
    run.costs().forEach(text -> line("cost: " + text));
    if (!run.warmup().isEmpty()) {
      line("warm-up: " + run.warmup());
    }
    if (!run.wordVectors().isEmpty()) {
      line("embedding: " + run.wordVectors());
    }
    if (run.droppedTokens() > 0) {
      line(
          text(
              "%,d tokens of each epoch are left out: fewer than batch.streams remain of a part",
              run.droppedTokens()));
    }
    if (columns > 0) {
      bar = Optional.of(newBar(run.tokens()));
    }
  }

  @Override
  public void roundEnded(RoundMetrics metrics) {
    String numbers =
        text(
            "loss %.4f  %,.0f %s/s  lr %.3g",
            metrics.lossNats(), metrics.tokensPerSecond(), unit.measured(), metrics.learningRate());
    if (bar.isPresent()) {
      bar.get().setExtraMessage(text("epoch %d/%d  ", metrics.epoch() + 1, epochs) + numbers);
      bar.get().stepTo(metrics.tokens());
    } else {
      line(
          text(
              "round %d  epoch %d/%d  step %d  %s  gradient %.3g (largest %.3g%s)  %s left",
              metrics.round(),
              metrics.epoch() + 1,
              epochs,
              metrics.step(),
              numbers,
              metrics.gradientNorm(),
              metrics.gradientNormMax(),
              metrics.clippedSteps() > 0 ? text(", %,d clipped", metrics.clippedSteps()) : "",
              remaining(metrics.tokens())));
    }
  }

  @Override
  public void evaluated(long round, Measured evaluation, boolean best) {
    line(text("round %d  validation: %s%s", round, evaluation.summary(), best ? " (best)" : ""));
  }

  @Override
  public void checkpointSaved(long step, String path) {
    line("saved " + path);
  }

  @Override
  public void ended(String reason) {
    line("training ended: " + reason);
    close();
  }

  @Override
  public void close() {
    if (bar.isPresent()) {
      bar.get().close();
      bar = Optional.empty();
      out.println();
    }
  }

  private ProgressBar newBar(long tokens) {
    boolean millions = epochs * tokensPerEpoch >= 10L * MILLION;
    // The last column would wrap the cursor.
    return new ProgressBarBuilder()
        .setConsumer(new DelegatingProgressBarConsumer(this::draw, columns - 1))
        .setStyle(ProgressBarStyle.ASCII)
        .setUpdateIntervalMillis(UPDATE_MILLIS)
        .setUnit((millions ? "M " : "k ") + unit.word(), millions ? MILLION : THOUSAND)
        .setInitialMax(epochs * tokensPerEpoch)
        .startsFrom(tokens, Duration.ZERO)
        .build();
  }

  private String remaining(long tokens) {
    double perToken = (double) (System.nanoTime() - beginNanos) / Math.max(1, tokens - firstTokens);
    double left = Math.max(0, (double) epochs * tokensPerEpoch - tokens);
    Duration time = Duration.ofNanos((long) (left * perToken));
    return text("%d:%02d:%02d", time.toHours(), time.toMinutesPart(), time.toSecondsPart());
  }

  private synchronized void draw(String rendered) {
    out.print("\r" + NO_WRAP + rendered + WRAP);
    out.flush();
  }

  /** A line above the bar, whose next update draws it again. */
  private synchronized void line(String content) {
    bar.ifPresent(shown -> out.print("\r" + NO_WRAP + " ".repeat(columns - 1) + WRAP + "\r"));
    out.println(content);
    out.flush();
  }

  private static double mebibytes(long bytes) {
    return bytes / (double) (1 << 20);
  }

  private static String text(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }
}
