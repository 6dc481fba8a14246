package org.sparkrnn.driver.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.driver.metrics.RoundMetrics;
import org.sparkrnn.driver.metrics.TrainingListener;

/** Training where Spark encrypts all that it sends and writes, with no port but Spark's. */
@Timeout(240)
@EnabledOnOs(OS.LINUX)
class EncryptedClusterTest {
  private static final Map<String, String> ENCRYPTED =
      Map.of(
          "spark.authenticate", "true",
          "spark.authenticate.secret", "known to this test alone",
          "spark.network.crypto.enabled", "true",
          "spark.io.encryption.enabled", "true");

  @TempDir Path folder;

  @Test
  void anEncryptedClusterTrainsToTheSameBytesAndNobodyOpensAPort() throws IOException {
    Path corpus = FaultRuns.corpus(folder.resolve("corpus"));
    try (SparkTestCluster local = SparkTestCluster.local(1, Serialization.KRYO)) {
      FaultRuns.train(local.context(), corpus, "file", folder.resolve("plain"), List.of());
    }
    List<Map<Long, Set<String>>> during = new ArrayList<>();
    Map<Long, Set<String>> before;
    try (SparkTestCluster cluster = SparkTestCluster.localCluster(Serialization.KRYO, ENCRYPTED)) {
      SecurityManager security = SparkEnv.get().securityManager();
      assertThat(security.isEncryptionEnabled()).isTrue();
      assertThat(security.getIOEncryptionKey().isDefined()).isTrue();
      shuffle(cluster.context()); // until now Spark has not opened all of its own
      before = listening(cluster);
      TrainingListener listener =
          new TrainingListener() {
            @Override
            public void roundEnded(RoundMetrics metrics) {
              during.add(listening(cluster));
            }
          };
      FaultRuns.train(
          cluster.context(), corpus, "file", folder.resolve("encrypted"), List.of(listener));
    }
    assertThat(FaultRuns.left(folder.resolve("encrypted")))
        .isEqualTo(FaultRuns.left(folder.resolve("plain")));
    assertThat(before).hasSize(3); // the driver and two executors
    assertThat(before.values()).allSatisfy(ports -> assertThat(ports).isNotEmpty());
    assertThat(during)
        .hasSize(FaultRuns.ROUNDS)
        .allSatisfy(ports -> assertThat(ports).isEqualTo(before));
  }

  private static void shuffle(JavaSparkContext context) {
    var broadcast = context.broadcast(new float[1000]);
    context
        .parallelize(IntStream.range(0, 8).boxed().toList(), 4)
        .map(
            number -> {
              Thread.sleep(300); // so that one executor cannot take all
              return number + broadcast.value().length;
            })
        .groupBy(number -> number % 4)
        .count();
    broadcast.destroy();
  }

  /** The listening sockets of driver and executors, by process. */
  private static Map<Long, Set<String>> listening(SparkTestCluster cluster) {
    Map<Long, Set<String>> sockets = new TreeMap<>();
    Stream<ProcessHandle> processes =
        Stream.concat(Stream.of(ProcessHandle.current()), cluster.executors().stream());
    processes.forEach(process -> sockets.put(process.pid(), listening(process.pid())));
    return sockets;
  }

  private static Set<String> listening(long pid) {
    try {
      Set<String> inodes = new TreeSet<>();
      for (String table : List.of("tcp", "tcp6", "udp", "udp6")) {
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/net/" + table))) {
          String[] fields = line.strip().split("\\s+", -1);
          // 0A is LISTEN; a datagram socket that has no peer is open to everybody.
          if (fields[3].equals(table.startsWith("tcp") ? "0A" : "07")) {
            inodes.add("socket:[" + fields[9] + "]");
          }
        }
      }
      Set<String> open = new TreeSet<>();
      try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + pid + "/fd"))) {
        for (Path descriptor : descriptors.toList()) {
          if (Files.isSymbolicLink(descriptor)) { // others have been closed meanwhile
            open.add(Files.readSymbolicLink(descriptor).toString());
          }
        }
      }
      inodes.retainAll(open);
      return inodes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
