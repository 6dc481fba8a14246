package org.sparkrnn.driver;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.launcher.JavaModuleOptions;

/**
 * A standalone master and its workers, each a JVM of its own on this machine, started from this
 * JVM's class path. They end with {@link #close} and, if this JVM is killed, when their standard
 * input ends. Executors that die are started again without end.
 */
public final class StandaloneCluster implements AutoCloseable {

  private static final Duration START_LIMIT = Duration.ofSeconds(60);

  private final Path directory;
  private final String master;
  private final Process masterProcess;
  private final List<Process> workers = new ArrayList<>();

  /**
   * Starts a master and {@code workerCount} workers of one core each; logs go to {@code directory}.
   */
  StandaloneCluster(Path directory, int workerCount, int memoryMegabytes) {
    this.directory = directory;
    int port = freePort();
    int uiPort = freePort();
    this.master = "spark://127.0.0.1:" + port;
    this.masterProcess =
        daemon(
            "master",
            "org.apache.spark.deploy.master.Master",
            List.of("--host", "127.0.0.1", "--port", "" + port, "--webui-port", "" + uiPort));
    try {
      await(uiPort, "\"status\" : \"ALIVE\"");
      for (int i = 0; i < workerCount; i++) {
        startWorker(memoryMegabytes);
      }
      await(uiPort, "\"aliveworkers\" : " + workerCount);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** The URL for {@code spark.master}. */
  String master() {
    return master;
  }

  /**
   * Adds a worker of one core, on a loopback address of its own: Spark runs a speculative copy only
   * on another host than the task's.
   */
  private void startWorker(int memoryMegabytes) {
    String name = "worker-" + workers.size();
    List<String> arguments =
        List.of(
            "--host",
            "127.0.0." + (workers.size() + 1),
            "--cores",
            "1",
            "--memory",
            memoryMegabytes + "m",
            "--webui-port",
            "0",
            "--work-dir",
            directory.resolve(name + "-work").toString(),
            master);
    workers.add(daemon(name, "org.apache.spark.deploy.worker.Worker", arguments));
  }

  /** The worker processes, in the order they were started. */
  List<Process> workers() {
    return List.copyOf(workers);
  }

  @Override
  public void close() {
    List<Process> all = new ArrayList<>(workers);
    all.add(masterProcess);
    for (Process process : all) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    for (Process process : all) {
      process.onExit().join();
    }
  }

  private Process daemon(String name, String mainClass, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(JavaModuleOptions.defaultModuleOptions().split(" ")));
    command.addAll(List.of("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.add("-Dspark.deploy.maxExecutorRetries=-1");
    command.add("-cp");
    command.add(String.join(File.pathSeparator, SparkHome.classPath()));
    command.add(StandaloneDaemon.class.getName());
    command.add(mainClass);
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(Map.of("SPARK_LOCAL_IP", "127.0.0.1", "SPARK_NO_DAEMONIZE", "1"));
    builder.redirectErrorStream(true).redirectOutput(directory.resolve(name + ".log").toFile());
    try {
      Files.createDirectories(directory);
      return builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot start " + name, e);
    }
  }

  /**
   * Waits until the master says this of itself. That its port is open is not enough: who registers
   * before it takes part in an election is not answered, and tries again after twenty seconds.
   */
  private void await(int uiPort, String state) {
    Instant limit = Instant.now().plus(START_LIMIT);
    while (!stateOfMaster(uiPort).contains(state)) {
      if (!masterProcess.isAlive() || Instant.now().isAfter(limit)) {
        throw new IllegalStateException(
            "Cannot start the standalone cluster: no %s; its logs are in %s"
                .formatted(state, directory));
      }
      pause();
    }
  }

  /** As JSON; empty while there is no answer. */
  private static String stateOfMaster(int uiPort) {
    try (InputStream in =
        URI.create("http://127.0.0.1:" + uiPort + "/json/").toURL().openStream()) {
      return new String(in.readAllBytes(), UTF_8);
    } catch (IOException e) {
      return "";
    }
  }

  static void pause() {
    try {
      Thread.sleep(50);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Cannot wait: interrupted", e);
    }
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot find a free port", e);
    }
  }
}
