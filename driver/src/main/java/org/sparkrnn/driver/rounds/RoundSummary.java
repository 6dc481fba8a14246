package org.sparkrnn.driver.rounds;

import java.util.List;
import java.util.OptionalDouble;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.driver.metrics.RoundMetrics;
import org.sparkrnn.worker.training.ReplicaStatistics;
import org.sparkrnn.worker.training.Schedule;
import org.sparkrnn.worker.training.TrainingState;

/** A round in numbers, from what its replicas report. */
final class RoundSummary {
  private RoundSummary() {}

  static RoundMetrics of(
      TrainingConfig config, TrainingState before, TrainingState after, RoundResult result) {
    List<ReplicaStatistics> replicas =
        result.reports().stream().map(ReplicaReport::statistics).toList();
    long tokens = replicas.stream().mapToLong(ReplicaStatistics::tokens).sum();
    long steps = replicas.stream().mapToLong(ReplicaStatistics::steps).sum();
    double loss = 0;
    double norms = 0;
    double normMax = 0;
    long clipped = 0;
    for (ReplicaStatistics replica : replicas) { // in replica order, in double
      loss += replica.lossSumNats();
      norms += replica.gradientNormMean() * replica.steps();
      normMax = Math.max(normMax, replica.gradientNormMax());
      clipped += replica.clippedSteps();
    }
    return new RoundMetrics(
        after.round(),
        before.epoch(),
        after.step(),
        after.tokens(),
        tokens,
        loss / tokens,
        learningRate(config, before),
        norms / steps,
        normMax,
        clipped,
        slowestOverMedian(result.reports()),
        result.seconds(),
        replicas.stream()
            .filter(replica -> replica.steps() > 0)
            .map(ReplicaStatistics::kernel)
            .distinct()
            .sorted()
            .toList(),
        OptionalDouble.empty());
  }

  /** The learning rate of the next local step of a run, for a window of the usual length. */
  static double learningRate(TrainingConfig config, TrainingState state) {
    return new Schedule(config)
        .learningRate(state.epoch(), state.tokens(), state.epochShare(), state.plateauFactor());
  }

  /** How much the slowest replica that had anything to train held up the one in the middle. */
  private static double slowestOverMedian(List<ReplicaReport> reports) {
    long[] nanos =
        reports.stream()
            .filter(report -> report.statistics().steps() > 0)
            .mapToLong(ReplicaReport::nanos)
            .sorted()
            .toArray();
    return nanos.length == 0
        ? 1
        : (double) nanos[nanos.length - 1] / Math.max(1, nanos[(nanos.length - 1) / 2]);
  }
}
