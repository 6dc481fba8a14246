package org.sparkrnn.driver.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.yarn.conf.YarnConfiguration;
import org.apache.hadoop.yarn.server.MiniYARNCluster;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;

/**
 * Promise 1 on YARN: a resource manager, two node managers, an application master and two executors
 * in containers. Runs where Spark's YARN client is on the class path: {@code -Pspark-3.5} brings
 * Maven's, {@code -Dyarn.client.jar=FILE} that of a Spark distribution.
 */
@EnabledIf(
    value = "hasYarnClient",
    disabledReason = "Maven has no spark-yarn of this Spark version")
@Timeout(600)
class YarnTest {
  private static final int NODES = 2;
  private static final int NODE_MEGABYTES = 4096;

  @TempDir Path folder;

  static boolean hasYarnClient() {
    return YarnTest.class.getResource("/org/apache/spark/deploy/yarn/Client.class") != null;
  }

  @Test
  void aRunOnYarnLeavesTheBytesOfLocalMode() throws IOException {
    Path corpus = InvarianceRun.corpus(folder.resolve("corpus"));
    try (SparkTestCluster local = SparkTestCluster.local(1, Serialization.KRYO)) {
      train(local, corpus, folder.resolve("expected"));
    }
    try (MiniYARNCluster yarn = new MiniYARNCluster("spark-rnn", NODES, 1, 1)) {
      yarn.init(configuration());
      yarn.start();
      try (SparkTestCluster cluster =
          SparkTestCluster.yarn(yarn.getConfig(), Serialization.KRYO, Map.of())) {
        train(cluster, corpus, folder.resolve("run"));
        assertThat(cluster.context().sc().applicationId()).startsWith("application_");
        assertThat(cluster.executors())
            .anySatisfy(
                executor ->
                    assertThat(executor.info().commandLine().orElse(""))
                        .contains("YarnCoarseGrainedExecutorBackend"));
        System.out.println("YARN with Spark " + cluster.context().version());
      }
    }
    assertThat(InvarianceRun.checksum(folder.resolve("run")))
        .isEqualTo(InvarianceRun.checksum(folder.resolve("expected")));
  }

  private static void train(SparkTestCluster cluster, Path corpus, Path run) throws IOException {
    InvarianceRun.train(cluster.context(), corpus.toString(), run.toString(), Map.of(), List.of());
  }

  private Configuration configuration() {
    YarnConfiguration yarn = new YarnConfiguration();
    yarn.set("hadoop.tmp.dir", folder.resolve("hadoop").toString());
    yarn.setInt("yarn.nodemanager.resource.memory-mb", NODE_MEGABYTES);
    yarn.setInt("yarn.scheduler.minimum-allocation-mb", 128);
    yarn.setInt("yarn.scheduler.maximum-allocation-mb", NODE_MEGABYTES);
    yarn.setBoolean("yarn.nodemanager.vmem-check-enabled", false);
    yarn.setFloat(
        "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage", 100);
    // The capacity-scheduler.xml of Hadoop is in none of its client's jars.
    String queues = "yarn.scheduler.capacity.";
    yarn.set(queues + "root.queues", "default");
    yarn.set(queues + "root.default.capacity", "100");
    yarn.set(queues + "root.default.maximum-capacity", "100");
    yarn.set(queues + "root.default.state", "RUNNING");
    yarn.set(queues + "root.default.acl_submit_applications", "*");
    yarn.set(queues + "maximum-am-resource-percent", "1");
    return yarn;
  }
}
