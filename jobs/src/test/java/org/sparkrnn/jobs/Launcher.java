package org.sparkrnn.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Starts bin/spark-rnn as a process of its own, with a folder as its working directory. */
final class Launcher {
  static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final long LIMIT_SECONDS = 300;
  private static final List<String> LOCAL =
      List.of("--master", "local[2]", "--conf", "spark.ui.enabled=false");

  private final Path folder;
  private final List<String> before;

  /**
   * @param before command that starts bin/spark-rnn in some other way, such as {@code setpriv}
   */
  Launcher(Path folder, String... before) {
    this.folder = folder;
    this.before = List.of(before);
  }

  /** Runs a command on {@code local[2]}. */
  CommandRun run(String... arguments) throws Exception {
    return finished(builder(LOCAL, arguments).start());
  }

  ProcessBuilder builder(List<String> launcherOptions, String... arguments) {
    List<String> command = new ArrayList<>(before);
    // A build under nohup ignores SIGHUP, and so would what it starts.
    command.addAll(
        List.of("env", "--default-signal=HUP", ROOT.resolve("bin/spark-rnn").toString()));
    command.addAll(launcherOptions);
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.directory(folder.toFile());
    builder.environment().keySet().removeAll(List.of("SPARK_HOME", "SPARK_DRIVER_MEMORY"));
    builder.redirectOutput(folder.resolve("stdout").toFile());
    builder.redirectError(folder.resolve("stderr").toFile());
    return builder;
  }

  CommandRun finished(Process process) throws Exception {
    if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
    assertThat(process.isAlive()).isFalse();
    return new CommandRun(
        process.waitFor(),
        Files.readString(folder.resolve("stdout"), StandardCharsets.UTF_8),
        Files.readString(folder.resolve("stderr"), StandardCharsets.UTF_8));
  }
}
