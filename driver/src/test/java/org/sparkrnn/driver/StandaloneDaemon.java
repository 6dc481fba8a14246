package org.sparkrnn.driver;

import java.io.IOException;
import java.util.Arrays;

/**
 * Main class of the master and worker processes of {@link StandaloneCluster}: runs Spark's main
 * class and ends with the standard input, so that no process outlives a test JVM that was killed.
 */
public final class StandaloneDaemon {

  private StandaloneDaemon() {}

  public static void main(String[] arguments) throws Exception {
    Thread watcher = new Thread(StandaloneDaemon::endWithStandardInput, "end-with-standard-input");
    watcher.setDaemon(true);
    watcher.start();
    Class.forName(arguments[0])
        .getMethod("main", String[].class)
        .invoke(null, (Object) Arrays.copyOfRange(arguments, 1, arguments.length));
  }

  private static void endWithStandardInput() {
    try {
      while (System.in.read() >= 0) {}
    } catch (IOException e) {
      // Broken pipe is the end as well.
    }
    ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
    Runtime.getRuntime().halt(1);
  }
}
