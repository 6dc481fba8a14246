package org.sparkrnn.worker.training;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Files that are damaged, or written by somebody who means harm, end in one sentence: the readers
 * run in a JVM with a small heap, which an OutOfMemoryError, an endless loop or a crash would end.
 *
 * <p>{@code -Dsparkrnn.faults.seed} draws other inputs; {@code -Pfaults} reads 20 times as many.
 */
class HostileFilesTest {
  private static final int INPUTS = Boolean.getBoolean("sparkrnn.faults.long") ? 120_000 : 6_000;
  private static final long SEED = Long.getLong("sparkrnn.faults.seed", 17);

  @TempDir Path folder;

  @Test
  @Timeout(1800)
  void mutatedFilesAreReadOrRefusedInOneLine() throws Exception {
    String output = run("mutated", "" + SEED, "" + INPUTS);
    assertThat(output).contains(INPUTS + " inputs").doesNotContain("FAILURE");
    assertThat(output).doesNotContain("=0"); // no reader takes everything
    System.out.println(output.lines().reduce("", (before, line) -> line));
  }

  @Test
  @Timeout(300)
  void filesLongerThanTheHeapAreRefusedWithWhatTheyNeed() throws Exception {
    String output = run("huge", folder.toString());
    assertThat(output).doesNotContain("FAILURE");
    for (String name : List.of("vocabulary", "manifest", "step", "values", "header", "data")) {
      assertThat(output)
          .containsPattern(
              "(?m)^"
                  + name
                  + ": Cannot read .*: it needs \\d+ MiB of the \\d+ MiB of this JVM's heap");
    }
    assertThat(output).containsPattern("settings: Cannot read configuration: .* is longer than");
  }

  private String run(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx64m", "-Xss512k", "-XX:+UseSerialGC"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(HostileInputs.class.getName());
    command.addAll(List.of(arguments));
    Path output = folder.resolve("output");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      assertThat(process.waitFor(30, TimeUnit.MINUTES)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    String text = Files.readString(output, UTF_8);
    assertThat(process.exitValue()).as(text).isZero();
    return text;
  }
}
