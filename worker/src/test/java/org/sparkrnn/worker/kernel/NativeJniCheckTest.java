package org.sparkrnn.worker.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkrnn.worker.bench.StepBenchmark;

/** All tests run under -Xcheck:jni, which only prints what it dislikes; this one reads it. */
class NativeJniCheckTest {

  @ParameterizedTest
  @ValueSource(
      strings = {"lstm:2:9:17:33:3:5:0:0", "gru:1:5:7:11:1:2:0:0", "lstm:2:9:17:33:3:5:11:1"})
  void trainingUsesJniWithoutAWarning(String shape) throws Exception {
    ProcessBuilder java =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xcheck:jni",
                "-cp",
                Objects.requireNonNull(System.getProperty("java.class.path")),
                StepBenchmark.class.getName(),
                "-",
                "2",
                "0.1",
                shape)
            .redirectErrorStream(true);
    java.environment().remove("JAVA_TOOL_OPTIONS"); // which java would mention
    Process process = java.start();
    List<String> output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
            .lines()
            .toList();

    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(output).singleElement().asString().startsWith("{\"shape\": \"" + shape);
    assertThat(process.exitValue()).isZero();
  }
}
