package org.sparkrnn.common.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.config.RunConfig.Deadline;

class RunConfigTest {
  private static RunConfig of(String... overrides) {
    return TrainingConfig.load("", List.of(overrides)).training();
  }

  @Test
  void theEarlierOfDurationAndTimeOfDayIsTheDeadline() {
    ZonedDateTime evening = ZonedDateTime.of(2026, 3, 9, 22, 0, 0, 0, ZoneId.of("UTC"));
    assertThat(of().deadline(evening)).isEmpty();
    assertThat(of("training.until=05:30").deadline(evening))
        .hasValue(new Deadline(evening.plusMinutes(450), "training.until"));
    assertThat(of("training.until=22:15:30").deadline(evening))
        .hasValue(new Deadline(evening.plusSeconds(930), "training.until"));
    assertThat(of("training.until=22:00").deadline(evening))
        .hasValue(new Deadline(evening.plusDays(1), "training.until"));
    assertThat(of("training.until=05:30", "training.max-duration=6h").deadline(evening))
        .hasValue(new Deadline(evening.plusHours(6), "training.max-duration"));
    assertThat(of("training.until=05:30", "training.max-duration=9h").deadline(evening))
        .hasValue(new Deadline(evening.plusMinutes(450), "training.until"));
  }

  @Test
  void aNightInWhichClocksAreSetBackIsAnHourLonger() {
    ZonedDateTime evening = ZonedDateTime.of(2026, 10, 24, 22, 0, 0, 0, ZoneId.of("Europe/Berlin"));
    Deadline deadline = of("training.until=05:30").deadline(evening).orElseThrow();
    assertThat(Duration.between(evening, deadline.at())).isEqualTo(Duration.ofMinutes(510));
  }
}
