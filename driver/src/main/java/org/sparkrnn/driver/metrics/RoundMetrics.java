package org.sparkrnn.driver.metrics;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.OptionalDouble;

/**
 * What one round did and where its time went; a line of {@code metrics.jsonl}.
 *
 * <p>Times are durations, never clock readings of another machine.
 *
 * @param round rounds of the run, this one included
 * @param epoch epoch the round belonged to, from 0
 * @param step local steps of the run after the round
 * @param tokens tokens trained on by all replicas of the run after the round
 * @param roundTokens tokens trained on in the round
 * @param lossNats mean training loss per token of the round
 * @param learningRate of the round's first local step
 * @param gradientNorm mean over replicas and steps, before clipping
 * @param gradientNormMax largest of any step
 * @param clippedSteps steps of all replicas that clipping by norm shortened
 * @param slowestOverMedian time of the slowest replica over that of the median one
 * @param seconds where the round's time went
 * @param kernels variants of the kernel that ran, sorted
 * @param validationLossNats mean loss per prediction of the validation split, if it was evaluated
 */
public record RoundMetrics(
    long round,
    int epoch,
    long step,
    long tokens,
    long roundTokens,
    double lossNats,
    double learningRate,
    double gradientNorm,
    double gradientNormMax,
    long clippedSteps,
    double slowestOverMedian,
    Seconds seconds,
    List<String> kernels,
    OptionalDouble validationLossNats) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * Where the time of a round went.
   *
   * @param schedule what the others leave of the round: launching tasks, waiting for slots, results
   * @param broadcast start and carried states leave the driver
   * @param compute of the slowest replica: reading, local steps, writing its state
   * @param average of the slowest in each case: handing slices to the shuffle, fetching, summing
   */
  public record Seconds(
      double schedule,
      double broadcast,
      double compute,
      double average,
      double evaluate,
      double checkpoint) {

    /** The whole round. */
    public double total() {
      return schedule + broadcast + compute + average + evaluate + checkpoint;
    }

    public Seconds withEvaluate(double evaluateSeconds) {
      return new Seconds(schedule, broadcast, compute, average, evaluateSeconds, checkpoint);
    }

    public Seconds withCheckpoint(double checkpointSeconds) {
      return new Seconds(schedule, broadcast, compute, average, evaluate, checkpointSeconds);
    }
  }

  public RoundMetrics {
    kernels = List.copyOf(kernels);
  }

  /** Tokens of the round over its time without evaluation and checkpoint. */
  public double tokensPerSecond() {
    return roundTokens
        / Math.max(
            1e-9, seconds.schedule() + seconds.broadcast() + seconds.compute() + seconds.average());
  }

  public RoundMetrics withSeconds(Seconds other) {
    return with(other, validationLossNats);
  }

  public RoundMetrics withValidation(double lossNatsPerToken, double evaluateSeconds) {
    return with(seconds.withEvaluate(evaluateSeconds), OptionalDouble.of(lossNatsPerToken));
  }

  private RoundMetrics with(Seconds otherSeconds, OptionalDouble otherValidation) {
    return new RoundMetrics(
        round,
        epoch,
        step,
        tokens,
        roundTokens,
        lossNats,
        learningRate,
        gradientNorm,
        gradientNormMax,
        clippedSteps,
        slowestOverMedian,
        otherSeconds,
        kernels,
        otherValidation);
  }

  /** One JSON object on one line. */
  String toJson() {
    ObjectNode line = JSON.createObjectNode();
    line.put("round", round).put("epoch", epoch).put("step", step).put("tokens", tokens);
    line.put("round_tokens", roundTokens).put("loss_nats", lossNats);
    validationLossNats.ifPresent(loss -> line.put("validation_loss_nats", loss));
    line.put("learning_rate", learningRate);
    line.put("gradient_norm", gradientNorm).put("gradient_norm_max", gradientNormMax);
    line.put("clipped_steps", clippedSteps);
    line.put("tokens_per_second", rounded(tokensPerSecond()));
    line.put("slowest_over_median", rounded(slowestOverMedian));
    line.put("schedule_seconds", rounded(seconds.schedule()));
    line.put("broadcast_seconds", rounded(seconds.broadcast()));
    line.put("compute_seconds", rounded(seconds.compute()));
    line.put("average_seconds", rounded(seconds.average()));
    line.put("evaluate_seconds", rounded(seconds.evaluate()));
    line.put("checkpoint_seconds", rounded(seconds.checkpoint()));
    kernels.forEach(line.putArray("kernels")::add);
    return line.toString();
  }

  private static double rounded(double value) {
    return Math.round(value * 1000) / 1000.0;
  }
}
