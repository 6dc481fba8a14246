package org.sparkrnn.driver.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class StopSignalsTest {

  @ParameterizedTest
  @ValueSource(strings = {"TERM", "INT", "HUP"})
  void aSignalIsARequest(String name) throws Exception {
    assumeThat(isIgnored(name)).as("this JVM was started to ignore SIG" + name).isFalse();
    StopRequest request = new StopRequest();
    assertThat(request.reason()).isEmpty();
    assertThat(request.nanosWaiting()).isZero();
    try (StopSignals signals = StopSignals.install(request)) {
      assertThat(signals).isNotNull();
      raise(name);
      await(request); // a signal that arrives after the handlers are gone would end this JVM
    }
    assertThat(request.reason()).hasValue("SIG" + name);
    assertThat(request.nanosWaiting()).isPositive();
  }

  @Test
  void closingGivesTheSignalsBack() throws Exception {
    StopRequest outer = new StopRequest();
    try (StopSignals signals = StopSignals.install(outer)) {
      assertThat(signals).isNotNull();
      StopRequest inner = new StopRequest();
      try (StopSignals nested = StopSignals.install(inner)) {
        assertThat(nested).isNotNull();
        raise("TERM");
        await(inner);
      }
      assertThat(inner.reason()).hasValue("SIGTERM");
      assertThat(outer.reason()).isEmpty();
      raise("TERM");
      await(outer);
    }
    assertThat(outer.reason()).hasValue("SIGTERM");
  }

  @Test
  void theFirstReasonStays() {
    StopRequest request = new StopRequest();
    request.request("SIGTERM");
    request.request("SIGINT");
    assertThat(request.reason()).hasValue("SIGTERM");
  }

  private static void raise(String name) throws ReflectiveOperationException {
    signal(name).getClass().getMethod("raise", signal(name).getClass()).invoke(null, signal(name));
  }

  private static Object signal(String name) throws ReflectiveOperationException {
    return Class.forName("sun.misc.Signal").getConstructor(String.class).newInstance(name);
  }

  /** As nohup has it for SIGHUP, and a shell for the SIGINT of its background jobs. */
  private static boolean isIgnored(String name) throws Exception {
    int number = (int) signal(name).getClass().getMethod("getNumber").invoke(signal(name));
    String mask =
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.startsWith("SigIgn:"))
            .map(line -> line.substring("SigIgn:".length()).strip())
            .findFirst()
            .orElseThrow();
    return (Long.parseUnsignedLong(mask, 16) >>> (number - 1) & 1) == 1;
  }

  private static void await(StopRequest request) throws InterruptedException {
    for (int i = 0; i < 1000 && request.reason().isEmpty(); i++) {
      Thread.sleep(10);
    }
  }
}
