package org.sparkrnn.worker.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.sparkrnn.common.config.OptimizerConfig;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.JsonObject;

/**
 * When NT-ASGD begins to average parameters (Merity, Keskar and Socher 2018): at the first
 * evaluation whose loss is above the best of all but the last {@code optimizer.non-monotone} before
 * it.
 *
 * @param from local step after which parameters are averaged; {@link #NOT_YET} before that is known
 * @param earlierBest lowest loss before the recent ones, infinite without any
 * @param recent the last losses, oldest first
 */
public record AveragingTrigger(long from, double earlierBest, List<Double> recent) {
  static final long NOT_YET = -1;

  public AveragingTrigger {
    recent = List.copyOf(recent);
  }

  static AveragingTrigger start() {
    return new AveragingTrigger(NOT_YET, Double.POSITIVE_INFINITY, List.of());
  }

  boolean isPulled() {
    return from != NOT_YET;
  }

  /** After an evaluation at a local step. */
  AveragingTrigger after(OptimizerConfig config, long step, double loss) {
    if (config.kind() != OptimizerConfig.Kind.NT_ASGD || isPulled()) {
      return this;
    }
    if (loss > earlierBest) {
      return new AveragingTrigger(step, Double.POSITIVE_INFINITY, List.of());
    }
    List<Double> losses = new ArrayList<>(recent);
    losses.add(loss);
    double best = earlierBest;
    if (losses.size() > config.nonMonotone()) {
      best = Math.min(best, losses.remove(0));
    }
    return new AveragingTrigger(NOT_YET, best, losses);
  }

  void addTo(Map<String, Object> fields) {
    if (isPulled()) {
      fields.put("averaging_from", from);
    }
    if (!recent.isEmpty()) {
      fields.put("recent_losses_nats_per_token", recent);
    }
    if (Double.isFinite(earlierBest)) {
      fields.put("earlier_best_loss_nats_per_token", earlierBest);
    }
  }

  static AveragingTrigger of(JsonObject fields) throws CorruptFileException {
    String earlier = "earlier_best_loss_nats_per_token";
    String recent = "recent_losses_nats_per_token";
    return new AveragingTrigger(
        fields.has("averaging_from") ? fields.integer("averaging_from", 0) : NOT_YET,
        fields.has(earlier) ? fields.number(earlier) : Double.POSITIVE_INFINITY,
        fields.has(recent) ? Arrays.stream(fields.numbers(recent)).boxed().toList() : List.of());
  }
}
