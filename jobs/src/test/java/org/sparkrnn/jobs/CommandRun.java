package org.sparkrnn.jobs;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;

/** One command that ran in this JVM on {@code local[2]}, and what it left behind. */
record CommandRun(int exitCode, String out, String error) {
  private static final List<String> PROGRESS =
      List.of("Starting Spark", "Tokenizing ", "training: ", "memory: ", "cost: ", "round ");

  static CommandRun of(String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream error = new ByteArrayOutputStream();
    Console console =
        new Console(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(error, true, StandardCharsets.UTF_8),
            0);
    int exitCode = Main.run(console, arguments);
    return new CommandRun(
        exitCode, out.toString(StandardCharsets.UTF_8), error.toString(StandardCharsets.UTF_8));
  }

  /** What a person would read as the failure: standard error without the progress before it. */
  String sentence() {
    return error
        .lines()
        .filter(line -> PROGRESS.stream().noneMatch(line::startsWith))
        .collect(Collectors.joining("\n"));
  }

  /** The last line of the results. */
  String lastLine() {
    List<String> lines = out.lines().toList();
    return lines.isEmpty() ? "" : lines.get(lines.size() - 1);
  }
}
