package org.sparkrnn.driver.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class StopSignalsTest {

  @Test
  void aSignalIsARequestAndTheFirstReasonStays() throws Exception {
    StopRequest request = new StopRequest();
    assertThat(request.reason()).isEmpty();
    assertThat(request.nanosWaiting()).isZero();
    try (StopSignals signals = StopSignals.install(request)) {
      assertThat(signals).isNotNull();
      raise("TERM");
      await(request);
      StopRequest later = new StopRequest();
      try (StopSignals nested = StopSignals.install(later)) {
        assertThat(nested).isNotNull();
        raise("INT");
        await(later); // a signal that arrives after the handlers are gone would end this JVM
      }
      assertThat(later.reason()).hasValue("SIGINT");
      request.request("SIGINT");
    }
    assertThat(request.reason()).hasValue("SIGTERM");
    assertThat(request.nanosWaiting()).isPositive();
  }

  private static void raise(String name) throws ReflectiveOperationException {
    Class<?> type = Class.forName("sun.misc.Signal");
    type.getMethod("raise", type).invoke(null, type.getConstructor(String.class).newInstance(name));
  }

  private static void await(StopRequest request) throws InterruptedException {
    for (int i = 0; i < 1000 && request.reason().isEmpty(); i++) {
      Thread.sleep(10);
    }
  }
}
