package org.sparkrnn.driver.faults;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.driver.faults.FailingFileSystem.Fault;

/**
 * Main class of a driver that is there to be killed. It does what its standard input says, a line
 * each, and says what it does on its standard output:
 *
 * <ul>
 *   <li>{@code train SCHEME RUN}: TRAINING, then ENDED and the number of file operations
 *   <li>{@code stop-at N RUN}: AT and the operation, in which it waits for its end; or ENDED
 * </ul>
 */
final class DriverProcess {
  private DriverProcess() {}

  public static void main(String[] arguments) throws IOException {
    Path corpus = Path.of(arguments[0]);
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    Map<String, String> settings =
        Map.of(
            "spark.master",
            "local[1,4]",
            FailingFileSystem.SETTING,
            FailingFileSystem.class.getName());
    try (SparkTestCluster cluster = SparkTestCluster.local(1, Serialization.KRYO, settings)) {
      say("READY");
      for (String line = commands.readLine(); line != null; line = commands.readLine()) {
        String[] words = line.split(" ", 3);
        String scheme = "failing";
        if (words[0].equals("stop-at")) {
          FailingFileSystem.hook(Long.parseLong(words[1]), DriverProcess::waitForTheEnd);
        } else {
          scheme = words[1];
          FailingFileSystem.fail(Fault.NONE, 0);
          say("TRAINING");
        }
        FaultRuns.train(cluster.context(), corpus, scheme, Path.of(words[2]), List.of());
        say("ENDED " + FailingFileSystem.operations());
      }
    }
  }

  private static void waitForTheEnd() {
    say("AT " + FailingFileSystem.failed());
    try {
      Thread.sleep(Long.MAX_VALUE);
    } catch (InterruptedException e) {
      throw new IllegalStateException("Nobody killed this process", e);
    }
  }

  private static void say(String line) {
    System.out.println("driver: " + line);
    System.out.flush();
  }
}
