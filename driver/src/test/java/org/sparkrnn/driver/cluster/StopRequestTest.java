package org.sparkrnn.driver.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class StopRequestTest {
  private final StopRequest stop = new StopRequest();

  @Test
  void aDeadlineIsNoReasonBeforeItsTime() throws InterruptedException {
    stop.requestAfter(Duration.ofMillis(300), "deadline");
    if (stop.nanosWaiting() < 0) { // unless this machine slept over it
      assertThat(stop.nanosWaiting()).isGreaterThanOrEqualTo(-300_000_000L);
    }
    for (int i = 0; i < 1000 && stop.reason().isEmpty(); i++) {
      assertThat(stop.nanosWaiting()).isNotZero();
      Thread.sleep(10);
    }
    assertThat(stop.reason()).hasValue("deadline");
    assertThat(stop.nanosWaiting()).isPositive();
  }

  @Test
  void workThatOutlastsADeadlineIsTooLong() {
    assertThat(stop.tooLateFor(Duration.ofDays(365))).isEmpty();
    stop.requestAfter(Duration.ofHours(1), "deadline");
    assertThat(stop.reason()).isEmpty();
    assertThat(stop.tooLateFor(Duration.ofMinutes(30))).isEmpty();
    assertThat(stop.tooLateFor(Duration.ofMinutes(61))).hasValue("deadline");
  }

  @Test
  void theEarliestWishCounts() {
    stop.requestAfter(Duration.ofHours(2), "late");
    stop.requestAfter(Duration.ofHours(1), "early");
    stop.requestAfter(Duration.ofHours(3), "later");
    assertThat(stop.tooLateFor(Duration.ofHours(4))).hasValue("early");
    stop.request("SIGTERM");
    stop.request("SIGINT");
    assertThat(stop.reason()).hasValue("SIGTERM");
  }
}
