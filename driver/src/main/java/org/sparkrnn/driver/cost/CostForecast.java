package org.sparkrnn.driver.cost;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.StepRate;

/** What a training is told of its rounds before it begins. */
public final class CostForecast {
  /** Of a core of which nothing is known. */
  private static final double DEFAULT_GFLOPS = 50;

  private static final double GIGA = 1e9;
  private static final double MEGA = 1e6;
  private static final Duration CALIBRATION = Duration.ofMillis(100);

  /** By how much fewer replicas must be faster to be worth a word. */
  private static final double WORTH = 1.02;

  /** Computing in which no advice repays its reading. */
  private static final double SHORT_SECONDS = 60;

  /** What averaging may take of a round when enough local steps are proposed. */
  private static final double SMALL_SHARE = 0.1;

  private final RoundWork work;
  private final Machines machines;
  private final RoundCost cost;

  public CostForecast(RoundWork work, Machines machines) {
    this.work = work;
    this.machines = machines;
    this.cost = RoundCost.of(work, machines);
  }

  /** {@code forecast.gflops}, else what this machine does, else a guess. */
  public static StepRate rate(TrainingConfig config, ModelSpec spec) {
    if (config.forecast().gflops() > 0) {
      return new StepRate(GIGA * config.forecast().gflops());
    }
    try {
      return StepRate.measure(config, spec, CALIBRATION);
    } catch (IllegalStateException | BadInputException e) {
      return new StepRate(GIGA * DEFAULT_GFLOPS); // executors may have what the driver lacks
    }
  }

  /**
   * The summary; for trainings that are not over in a minute, also the warning, if there is one.
   */
  public List<String> lines(int epochs) {
    if (work.stepSeconds() * work.stepsPerEpoch() * epochs < SHORT_SECONDS) {
      return List.of(summary());
    }
    return Stream.concat(Stream.of(summary()), warning().stream()).toList();
  }

  /** The cost of a round, and what the replicas bring, in one line. */
  String summary() {
    String round =
        String.format(
            Locale.ROOT,
            "a round of %,d steps takes about %s: training %s, averaging and scheduling %s;"
                + " checkpoints add %s",
            work.localSteps(),
            seconds(cost.total()),
            seconds(cost.compute()),
            seconds(cost.overhead()),
            seconds(cost.checkpoint()));
    return work.replicas() == 1
        ? round
        : String.format(
            Locale.ROOT,
            "%s; %,.0f MB are sent; %d replicas, %d at once, train %.2f times as fast as one",
            round,
            work.sentBytes() / MEGA,
            work.replicas(),
            Math.min(work.replicas(), machines.slots()),
            RoundCost.speedUp(work, machines));
  }

  /** What to set instead, if fewer replicas train more tokens a second. */
  Optional<String> warning() {
    double speedUp = RoundCost.speedUp(work, machines);
    int best = 1;
    double bestSpeedUp = 1; // one replica need not average
    for (int replicas = 2; replicas < work.replicas(); replicas++) {
      double other = RoundCost.speedUp(work.withReplicas(replicas), machines);
      if (other > bestSpeedUp) {
        best = replicas;
        bestSpeedUp = other;
      }
    }
    if (work.replicas() == 1 || bestSpeedUp < WORTH * speedUp) {
      return Optional.empty();
    }
    return Optional.of(
        String.format(
            Locale.ROOT,
            "%d replicas will train %.2f times as fast as one, %d would %.2f times; set"
                + " training.replicas = %d%s",
            work.replicas(),
            speedUp,
            best,
            bestSpeedUp,
            best,
            instead(bestSpeedUp)));
  }

  /** More local steps help where averaging takes the time, more slots where replicas wait. */
  private String instead(double bestSpeedUp) {
    long steps = enoughLocalSteps();
    double withSteps = RoundCost.speedUp(work.withLocalSteps(steps), machines);
    if (withSteps > bestSpeedUp) {
      return String.format(
          Locale.ROOT, ", or round.local-steps = %d (%.2f times)", steps, withSteps);
    }
    Machines enough = machines.withSlots(Math.max(machines.slots(), work.replicas()));
    double withSlots = RoundCost.speedUp(work, enough);
    return withSlots > bestSpeedUp
        ? String.format(
            Locale.ROOT,
            ", or give Spark %d slots in place of %d (%.2f times)",
            enough.slots(),
            machines.slots(),
            withSlots)
        : "";
  }

  /** So many that averaging takes a small share of a round, if an epoch has them. */
  private long enoughLocalSteps() {
    double waves = Math.ceil((double) work.replicas() / machines.slots());
    double besideSteps = cost.total() - waves * work.localSteps() * work.stepSeconds();
    double steps = besideSteps * (1 - SMALL_SHARE) / SMALL_SHARE / (waves * work.stepSeconds());
    long enough = Math.max(work.localSteps(), (long) Math.ceil(steps));
    long unit = (long) Math.pow(10, Math.max(0, Math.floor(Math.log10((double) enough)) - 1));
    return Math.min(work.stepsPerEpoch(), (enough + unit - 1) / unit * unit);
  }

  private static String seconds(double seconds) {
    return String.format(
        Locale.ROOT, seconds < 1 ? "%.2f s" : seconds < 100 ? "%.1f s" : "%,.0f s", seconds);
  }
}
