package org.sparkrnn.driver;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * A Spark session for tests: in this JVM, on {@code local-cluster}, on a standalone master with two
 * workers that run as JVMs of their own, or on YARN. One at a time; {@link #close} stops
 * everything.
 */
public final class SparkTestCluster implements AutoCloseable {

  /** How Spark moves results, broadcasts and elements of RDDs. */
  public enum Serialization {
    /** Kryo with {@code spark.kryo.registrationRequired}: an unregistered class fails the job. */
    KRYO,
    JAVA
  }

  /** Of every executor's JVM. */
  public static final String EXECUTOR_OPTIONS = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1";

  private static final int EXECUTOR_MEGABYTES = 1024;
  private static final Duration START_LIMIT = Duration.ofSeconds(90);

  private final SparkSession session;
  private final Optional<StandaloneCluster> standalone;

  private SparkTestCluster(SparkSession session, Optional<StandaloneCluster> standalone) {
    this.session = session;
    this.standalone = standalone;
  }

  /** {@code local[threads]}. */
  public static SparkTestCluster local(int threads, Serialization serialization) {
    return local(threads, serialization, Map.of());
  }

  /** {@code local[threads]} with further {@code spark.*} settings. */
  public static SparkTestCluster local(
      int threads, Serialization serialization, Map<String, String> settings) {
    return start("local[" + threads + "]", Optional.empty(), 0, serialization, settings);
  }

  /**
   * {@code local-cluster[2,1,1024]}: two executors of one core, each a JVM, under a master inside
   * this JVM.
   */
  public static SparkTestCluster localCluster(Serialization serialization) {
    return localCluster(serialization, Map.of());
  }

  /** {@code local-cluster[2,1,1024]} with further {@code spark.*} settings. */
  public static SparkTestCluster localCluster(
      Serialization serialization, Map<String, String> settings) {
    return start(
        "local-cluster[2,1," + EXECUTOR_MEGABYTES + "]",
        Optional.empty(),
        2,
        serialization,
        settings);
  }

  /** A standalone master and two workers of one core, all JVMs of their own. */
  public static SparkTestCluster standalone(Serialization serialization) {
    return standalone(serialization, Map.of());
  }

  /** A standalone master and two workers with further {@code spark.*} settings. */
  public static SparkTestCluster standalone(
      Serialization serialization, Map<String, String> settings) {
    StandaloneCluster cluster = standaloneCluster(2);
    try {
      return start(cluster.master(), Optional.of(cluster), 2, serialization, settings);
    } catch (RuntimeException e) {
      cluster.close();
      throw e;
    }
  }

  /** A standalone master and workers that serve several sessions one after the other. */
  public static StandaloneCluster standaloneCluster(int workers) {
    return new StandaloneCluster(temporaryDirectory("standalone-"), workers, EXECUTOR_MEGABYTES);
  }

  /**
   * Executors of one core on such a cluster, which {@link #close} leaves running.
   *
   * @param executors how many begin; the settings say if there may be others later
   */
  public static SparkTestCluster on(
      StandaloneCluster cluster,
      int executors,
      Serialization serialization,
      Map<String, String> settings) {
    return start(cluster.master(), Optional.empty(), executors, serialization, settings);
  }

  /** Two executors of one core on a YARN cluster, with this JVM as their driver. */
  public static SparkTestCluster yarn(
      Configuration cluster, Serialization serialization, Map<String, String> settings) {
    Map<String, String> all = new HashMap<>();
    cluster.forEach(entry -> all.put("spark.hadoop." + entry.getKey(), entry.getValue()));
    String java = System.getProperty("java.home");
    all.put("spark.yarn.jars", "local:" + SparkHome.prepare().resolve("jars").resolve("*"));
    all.put("spark.yarn.stagingDir", temporaryDirectory("yarn-staging-").toUri().toString());
    all.put("spark.yarn.appMasterEnv.JAVA_HOME", java);
    all.put("spark.executorEnv.JAVA_HOME", java);
    all.put("spark.executor.instances", "2");
    all.putAll(settings);
    return start("yarn", Optional.empty(), 2, serialization, all);
  }

  public SparkSession session() {
    return session;
  }

  public JavaSparkContext context() {
    return JavaSparkContext.fromSparkContext(session.sparkContext());
  }

  /** The executor processes; empty in local mode. A test may destroy one: Spark starts another. */
  public List<ProcessHandle> executors() {
    return ProcessHandle.current()
        .descendants()
        .filter(process -> process.info().commandLine().orElse("").contains("ExecutorBackend"))
        .toList();
  }

  /** The worker processes of a standalone cluster; empty otherwise. */
  public List<ProcessHandle> workers() {
    return standalone.stream()
        .flatMap(cluster -> cluster.workers().stream())
        .map(Process::toHandle)
        .toList();
  }

  @Override
  public void close() {
    try {
      session.stop();
    } finally {
      SparkSession.clearActiveSession();
      SparkSession.clearDefaultSession();
      standalone.ifPresent(StandaloneCluster::close);
    }
  }

  private static SparkTestCluster start(
      String master,
      Optional<StandaloneCluster> standalone,
      int executors,
      Serialization serialization,
      Map<String, String> settings) {
    SparkConf conf =
        new SparkConf()
            .setMaster(master)
            .setAppName("spark-rnn tests")
            .set("spark.driver.host", "127.0.0.1")
            .set("spark.driver.bindAddress", "127.0.0.1")
            .set("spark.ui.enabled", "false")
            .set("spark.local.dir", temporaryDirectory("spark-local-").toString())
            .set("spark.sql.warehouse.dir", temporaryDirectory("warehouse-").toString())
            .set("spark.sql.shuffle.partitions", "2");
    if (executors > 0) {
      SparkHome.prepare();
      conf.set("spark.executor.extraClassPath", SparkHome.classFolders())
          .set("spark.executor.memory", EXECUTOR_MEGABYTES + "m")
          .set("spark.executor.extraJavaOptions", EXECUTOR_OPTIONS)
          .set("spark.executor.cores", "1")
          .set("spark.cores.max", "" + executors);
    }
    if (serialization == Serialization.KRYO) {
      conf.set("spark.serializer", "org.apache.spark.serializer.KryoSerializer")
          .set("spark.kryo.registrationRequired", "true")
          .set("spark.kryo.registrator", KryoRegistrations.class.getName());
    }
    settings.forEach(conf::set);
    SparkTestCluster cluster =
        new SparkTestCluster(SparkSession.builder().config(conf).getOrCreate(), standalone);
    try {
      cluster.awaitExecutors(executors);
      return cluster;
    } catch (RuntimeException e) {
      cluster.close();
      throw e;
    }
  }

  private void awaitExecutors(int executors) {
    Instant limit = Instant.now().plus(START_LIMIT);
    // The driver is listed too.
    while (session.sparkContext().statusTracker().getExecutorInfos().length < executors + 1) {
      if (Instant.now().isAfter(limit)) {
        throw new IllegalStateException(
            "Cannot start %d executors within %s; their logs are in %s and in work/"
                .formatted(executors, START_LIMIT, System.getProperty("java.io.tmpdir")));
      }
      StandaloneCluster.pause();
    }
  }

  private static Path temporaryDirectory(String prefix) {
    try {
      return Files.createTempDirectory(Path.of(System.getProperty("java.io.tmpdir")), prefix);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot create a temporary directory", e);
    }
  }
}
