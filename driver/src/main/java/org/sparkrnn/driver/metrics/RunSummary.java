package org.sparkrnn.driver.metrics;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.common.storage.Json;
import org.sparkrnn.worker.training.Measured;
import org.sparkrnn.worker.training.Plan.Unit;

/**
 * What one process did for a run, for schedulers and the morning after: {@code summary.json} in the
 * run's folder, and one line of text. Each process that trains overwrites it when it ends, with
 * whatever exit code; one that was killed leaves the summary of the process before.
 */
public final class RunSummary implements TrainingListener {
  /** Its name in a run's folder. */
  public static final String FILE = "summary.json";

  private final Instant began = Instant.now();
  private boolean started;
  private Unit unit = Unit.TOKENS;
  private long firstTokens;
  private long tokens;
  private long step;
  private long round;
  private int epoch;
  private int epochs;
  private OptionalDouble trainingLoss = OptionalDouble.empty();
  private OptionalDouble validationLoss = OptionalDouble.empty();
  private long savedStep;

  @Override
  public void started(RunDescription run) {
    started = true;
    unit = run.unit();
    firstTokens = run.tokens();
    tokens = run.tokens();
    step = run.step();
    savedStep = run.step();
    epoch = run.epoch();
    epochs = run.epochs();
  }

  @Override
  public void roundEnded(RoundMetrics metrics) {
    tokens = metrics.tokens();
    step = metrics.step();
    round = metrics.round();
    epoch = metrics.epoch();
    trainingLoss = OptionalDouble.of(metrics.lossNats());
  }

  @Override
  public void evaluated(long evaluatedRound, Measured evaluation, boolean best) {
    validationLoss = OptionalDouble.of(evaluation.loss());
  }

  @Override
  public void checkpointSaved(long checkpointStep, String path) {
    savedStep = checkpointStep;
  }

  /** Whether the run had begun: only then the folder is this process's to write to. */
  public boolean hasStarted() {
    return started;
  }

  /** Whether a round of this process has ended. */
  public boolean hasTrained() {
    return trainingLoss.isPresent();
  }

  /**
   * Writes {@code summary.json}.
   *
   * @param run folder of the run
   * @param exitCode of this process
   * @param reason why it ended, or the sentence of its failure
   */
  public void write(Files files, String run, int exitCode, String reason) throws IOException {
    Instant ended = Instant.now();
    Map<String, Object> summary = new TreeMap<>();
    summary.put("began", began.toString());
    summary.put("ended", ended.toString());
    summary.put("seconds", Duration.between(began, ended).toMillis() / 1000.0);
    summary.put("exit_code", exitCode);
    summary.put("reason", reason);
    summary.put("checkpoint", checkpoint(files, run));
    summary.put("step", step);
    summary.put("round", round);
    summary.put("epoch", epoch);
    summary.put("epochs", epochs);
    summary.put("tokens", tokens);
    summary.put("tokens_of_this_process", tokens - firstTokens);
    trainingLoss.ifPresent(loss -> summary.put("training_loss_nats", loss));
    validationLoss.ifPresent(loss -> summary.put("validation_loss_nats", loss));
    files.replace(Files.join(run, FILE), Json.bytes(summary));
  }

  /** One line for the log of a run that did not fail: where it stands, what this process added. */
  public String line(String reason) {
    Duration time = Duration.between(began, Instant.now());
    return String.format(
        Locale.ROOT,
        "Summary: exit code 0 (%s), epoch %d of %d, step %d, %,d %s in %d:%02d:%02d%s%s",
        reason,
        Math.min(epoch + 1, epochs),
        epochs,
        step,
        tokens - firstTokens,
        unit.word(),
        time.toHours(),
        time.toMinutesPart(),
        time.toSecondsPart(),
        loss("training", trainingLoss),
        loss("validation", validationLoss));
  }

  /** The newest; empty if there is none. */
  private String checkpoint(Files files, String run) {
    return savedStep == 0 ? "" : new CheckpointStore(files, run).pathOf(savedStep);
  }

  /** In nats, but for sequences, of which it may be a squared error. */
  private String loss(String what, OptionalDouble loss) {
    String nats = unit == Unit.TOKENS ? " nats" : "";
    return loss.isEmpty()
        ? ""
        : String.format(Locale.ROOT, ", %s %.4f%s", what, loss.getAsDouble(), nats);
  }
}
