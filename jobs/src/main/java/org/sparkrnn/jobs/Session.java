package org.sparkrnn.jobs;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.sql.SparkSession;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.ClusterFailedException;
import org.sparkrnn.driver.KryoRegistrations;
import org.sparkrnn.driver.storage.HadoopFiles;

/** Spark as a command needs it; closing it stops Spark. */
record Session(SparkSession spark) implements AutoCloseable {
  private static final int CONNECT_TIMEOUT_MILLIS = 5_000;

  private static final Pattern MASTER =
      Pattern.compile(
          "local(\\[(\\*|\\d+)(\\s*,\\s*\\d+)?])?|local-cluster\\[.*]|spark://.+|yarn|k8s://.+");

  /** What Spark says when the context was stopped while it started. */
  private static final String STOPPED = "Cannot call methods on a stopped SparkContext";

  /** How Spark calls an application that no master has given an identifier. */
  private static final String UNREGISTERED = "spark-application-";

  /** Settings whose values neither logs nor event files show: Spark's own and those of stores. */
  private static final String CREDENTIALS =
      "(?i)secret|passw|token|credential|access[.]?key|account[.]key|private[.]?key|[.]sas[.]";

  /** Settings that are fixed before the program runs; in a file they would have no effect. */
  private static final List<String> TOO_LATE =
      List.of("spark.master", "spark.submit.deployMode", "spark.driver.memory");

  /**
   * Starts Spark.
   *
   * @param settings Spark's settings of a configuration; what {@code spark-submit} was given wins
   * @throws BadInputException if Spark knows no such master
   * @throws ClusterFailedException if the master cannot be reached within five seconds, or does not
   *     accept the application within a minute
   */
  static Session start(Console console, String command, Map<String, String> settings) {
    SparkConf conf = configuration(settings);
    conf.setAppName("spark-rnn " + command);
    String master = conf.get("spark.master");
    if (!MASTER.matcher(master).matches()) {
      throw new BadInputException(
          "Cannot use --master %s: it must be local[N], spark://HOST:PORT, yarn or k8s://URL"
              .formatted(master));
    }
    requireAnswer(master);
    console.error().println("Starting Spark on " + master);
    SparkSession spark;
    try {
      spark = SparkSession.builder().config(conf).getOrCreate();
    } catch (RuntimeException e) {
      if (String.valueOf(e.getMessage()).startsWith(STOPPED)) {
        throw notAccepted(master);
      }
      throw new ClusterFailedException(
          "Cannot start Spark on %s: %s".formatted(master, e.getMessage()), e);
    }
    boolean unregistered = spark.sparkContext().applicationId().startsWith(UNREGISTERED);
    if (spark.sparkContext().isStopped() || (master.startsWith("spark://") && unregistered)) {
      spark.stop();
      throw notAccepted(master);
    }
    return new Session(spark);
  }

  /** Spark asks a standalone master three times in a minute, then stops the context under us. */
  private static ClusterFailedException notAccepted(String master) {
    return new ClusterFailedException(
        ("Cannot start Spark on %s: the master takes connections but did not accept the application"
                + " within a minute")
            .formatted(master));
  }

  /** The file systems that Spark's settings describe, without starting Spark. */
  static HadoopFiles files() {
    return files(Map.of());
  }

  /** As {@link #files()}, with Spark's settings of a configuration. */
  static HadoopFiles files(Map<String, String> settings) {
    return new HadoopFiles(SparkHadoopUtil.get().newConfiguration(configuration(settings)));
  }

  @Override
  public void close() {
    spark.stop();
  }

  private static SparkConf configuration(Map<String, String> settings) {
    for (String key : TOO_LATE) {
      if (settings.containsKey(key)) {
        throw new BadInputException(
            "Cannot set %s in a configuration or with --set: give it before the command, as --conf %s=%s"
                .formatted(key, key, settings.get(key)));
      }
    }
    SparkConf conf = new SparkConf();
    settings.forEach(conf::setIfMissing);
    setDefaults(conf);
    return conf;
  }

  /** What neither a configuration nor spark-submit has set. */
  static void setDefaults(SparkConf conf) {
    conf.setIfMissing("spark.master", "local[*]");
    conf.setIfMissing("spark.serializer", "org.apache.spark.serializer.KryoSerializer");
    conf.setIfMissing("spark.kryo.registrator", KryoRegistrations.class.getName());
    conf.setIfMissing("spark.task.reaper.enabled", "true"); // a cancelled round frees its slots
    conf.setIfMissing("spark.driver.maxResultSize", "0"); // the driver's memory is the limit
    conf.setIfMissing("spark.ui.showConsoleProgress", "false");
    conf.setIfMissing("spark.redaction.regex", CREDENTIALS);
    String master = conf.get("spark.master");
    if (master.equals("local") || master.startsWith("local[")) {
      // Driver and executor are one process: heartbeats stay away when the machine slept, and Spark
      // would end the application minutes after it woke up.
      conf.setIfMissing("spark.storage.blockManagerHeartbeatTimeoutMs", "365d");
    }
    if (master.startsWith("local")) {
      conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1");
      conf.setIfMissing("spark.driver.host", "127.0.0.1");
    }
  }

  /** Connects to a standalone master: Spark itself would try for a minute and log all the while. */
  private static void requireAnswer(String master) {
    if (!master.startsWith("spark://")) {
      return;
    }
    List<String> failures = new ArrayList<>();
    for (String address : master.substring("spark://".length()).split(",", -1)) {
      int colon = address.lastIndexOf(':');
      try (Socket socket = new Socket()) {
        socket.connect(
            new InetSocketAddress(
                address.substring(0, Math.max(colon, 0)),
                Integer.parseInt(address.substring(colon + 1))),
            CONNECT_TIMEOUT_MILLIS);
        return;
      } catch (NumberFormatException e) {
        throw new BadInputException(
            "Cannot use --master %s: it must be spark://HOST:PORT".formatted(master));
      } catch (IOException | IllegalArgumentException e) {
        failures.add(e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage());
      }
    }
    throw new ClusterFailedException(
        "Cannot reach the master %s: %s".formatted(master, String.join("; ", failures)));
  }
}
