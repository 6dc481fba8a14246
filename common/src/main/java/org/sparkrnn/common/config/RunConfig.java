package org.sparkrnn.common.config;

import java.io.Serializable;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZonedDateTime;
import java.util.Optional;
import org.sparkrnn.common.errors.BadInputException;

/**
 * The group {@code training}: how many replicas, from which seed, and when to stop.
 *
 * @param maxRounds limit of the whole run, 0 for none
 * @param maxTokens limit of the whole run over all replicas, 0 for none
 * @param maxDuration limit of this process, 0 for none
 * @param until time of day at which this process ends, such as 05:30; empty for none
 * @param patience evaluations in a row without improvement after which training stops, 0 for never
 * @param stopGrace how long a signal waits for the round to end
 */
public record RunConfig(
    int replicas,
    int epochs,
    long maxRounds,
    long maxTokens,
    Duration maxDuration,
    String until,
    int patience,
    long seed,
    Duration stopGrace)
    implements Serializable {
  /** Each has a file in every checkpoint. */
  private static final int MOST_REPLICAS = 100_000;

  public RunConfig {
    requireReplicas(replicas);
    Checks.requirePositive("training.epochs", epochs);
    Checks.requireNotNegative("training.max-rounds", maxRounds);
    Checks.requireNotNegative("training.max-tokens", maxTokens);
    Checks.requireNotNegative("training.max-duration", maxDuration);
    Checks.requireNotNegative("training.patience", patience);
    Checks.requireNotNegative("training.stop-grace", stopGrace);
    if (!until.isEmpty()) {
      timeOfDay(until);
    }
  }

  static int requireReplicas(int replicas) {
    Checks.requirePositive("training.replicas", replicas);
    Checks.requireAtMost("training.replicas", MOST_REPLICAS, replicas);
    return replicas;
  }

  /**
   * When this process must end.
   *
   * @param began when it began; its zone is that of {@code training.until}
   * @return the earlier of {@code training.max-duration} after that and the next {@code
   *     training.until}, with the name of the setting; empty if neither is set
   */
  public Optional<Deadline> deadline(ZonedDateTime began) {
    Optional<Deadline> byDuration =
        maxDuration.isZero()
            ? Optional.empty()
            : Optional.of(new Deadline(began.plus(maxDuration), "training.max-duration"));
    if (until.isEmpty()) {
      return byDuration;
    }
    ZonedDateTime today = began.with(timeOfDay(until));
    Deadline byClock =
        new Deadline(today.isAfter(began) ? today : today.plusDays(1), "training.until");
    return byDuration.filter(deadline -> deadline.at().isBefore(byClock.at())).isPresent()
        ? byDuration
        : Optional.of(byClock);
  }

  private static LocalTime timeOfDay(String until) {
    try {
      return LocalTime.parse(until);
    } catch (DateTimeException e) {
      throw new BadInputException(
          "training.until must be a time of day such as 05:30, got %s".formatted(until), e);
    }
  }

  /** A moment and the setting it comes from. */
  public record Deadline(ZonedDateTime at, String setting) {}
}
