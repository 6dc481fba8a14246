package org.sparkrnn.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.common.storage.Json;
import org.sparkrnn.common.storage.JsonObject;
import org.sparkrnn.worker.model.ModelSpec;

/**
 * What one side of a comparison reached, from the {@code metrics.jsonl} of its run.
 *
 * @param tokensPerSecond median of its rounds, evaluation and checkpoints not counted
 * @param diverged whether training ended since a loss or a parameter was no longer finite
 * @param evaluations in their order
 */
record ComparisonRow(
    String name,
    int hidden,
    long parameters,
    double tokensPerSecond,
    double trainingSeconds,
    boolean diverged,
    List<Evaluated> evaluations) {
  private static final int LONGEST_METRICS = 1 << 28;

  /**
   * One evaluation.
   *
   * @param seconds of training before it
   * @param tokens trained before it; sequences, where these are what is trained
   */
  record Evaluated(double seconds, long tokens, double lossNats) {}

  static ComparisonRow of(
      String name, Files files, TrainingConfig config, ModelSpec spec, boolean diverged)
      throws IOException {
    String path = Files.join(config.checkpoint().path(), "metrics.jsonl");
    String text = // none if the first round diverged
        files.exists(path) ? new String(Channels.readAll(files, path, LONGEST_METRICS), UTF_8) : "";
    List<Double> rates = new ArrayList<>();
    List<Evaluated> evaluations = new ArrayList<>();
    double seconds = 0;
    for (String line : (Iterable<String>) text.lines()::iterator) {
      JsonObject round = Json.parse(line.getBytes(UTF_8), path);
      double rate = round.number("tokens_per_second");
      rates.add(rate);
      seconds += round.number("round_tokens") / rate;
      if (round.has("validation_loss_nats")) {
        double loss = round.number("validation_loss_nats");
        evaluations.add(new Evaluated(seconds, (long) round.number("tokens"), loss));
      }
    }
    return new ComparisonRow(
        name,
        spec.hidden(spec.layers() - 1),
        spec.layout().size(),
        rates.stream().sorted().skip(rates.size() / 2).findFirst().orElse(Double.NaN),
        seconds,
        diverged,
        List.copyOf(evaluations));
  }

  /** The lowest validation loss; NaN if there was no evaluation. */
  double bestLoss() {
    return evaluations.stream().mapToDouble(Evaluated::lossNats).min().orElse(Double.NaN);
  }

  /** The first evaluation that gave that loss or less. */
  Optional<Evaluated> firstAt(double lossNats) {
    return evaluations.stream().filter(evaluated -> evaluated.lossNats() <= lossNats).findFirst();
  }

  /**
   * As fields of a JSON object, which cannot say NaN: what is not known is left out.
   *
   * @param lossNats the loss to tell the time to; NaN if nothing was evaluated
   */
  Map<String, Object> fields(double lossNats) {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("cell", name);
    fields.put("hidden", hidden);
    fields.put("parameters", parameters);
    if (!Double.isNaN(tokensPerSecond)) {
      fields.put("tokens_per_second", tokensPerSecond);
    }
    fields.put("training_seconds", trainingSeconds);
    fields.put("diverged", diverged);
    if (Double.isFinite(bestLoss())) {
      fields.put("validation_loss_nats", bestLoss());
    }
    if (!Double.isNaN(lossNats)) {
      fields.put("loss_nats", lossNats);
    }
    firstAt(lossNats)
        .ifPresent(
            first -> {
              fields.put("seconds_to_loss", first.seconds());
              fields.put("tokens_to_loss", first.tokens());
            });
    return fields;
  }
}
