package org.sparkrnn.jobs;

import java.io.PrintStream;
import java.util.Map;

/**
 * Where a command writes.
 *
 * @param out results
 * @param error progress, warnings, failures
 * @param columns width of the terminal behind {@code error}; 0 if there is none
 */
record Console(PrintStream out, PrintStream error, int columns) {
  /** Set by bin/spark-rnn, which can ask the terminal: a JVM cannot. */
  private static final String COLUMNS = "SPARK_RNN_TERMINAL_COLUMNS";

  Console(PrintStream out, PrintStream error, Map<String, String> environment) {
    this(out, error, columns(environment.getOrDefault(COLUMNS, "0")));
  }

  /** {@code 1 replica}, {@code 2 replicas}. */
  static String count(int number, String thing) {
    return number + " " + thing + (number == 1 ? "" : "s");
  }

  private static int columns(String value) {
    try {
      return Integer.parseInt(value.strip());
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
