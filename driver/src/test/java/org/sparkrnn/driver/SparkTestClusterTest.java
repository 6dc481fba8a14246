package org.sparkrnn.driver;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.launcher.JavaModuleOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkrnn.driver.SparkTestCluster.Serialization;

@Timeout(180)
class SparkTestClusterTest {

  @Test
  void thePomOpensTheModulesThatSparkWants() {
    List<String> arguments = ManagementFactory.getRuntimeMXBean().getInputArguments();
    assertThat(arguments).contains(JavaModuleOptions.defaultModuleOptions().split(" "));
  }

  @ParameterizedTest
  @EnumSource
  void localModeRunsAJob(Serialization serialization) {
    try (SparkTestCluster cluster = SparkTestCluster.local(2, serialization)) {
      assertThat(processesThatRanTasks(cluster.context())).hasSize(1);
      assertThat(cluster.executors()).isEmpty();
    }
  }

  @Test
  void localClusterRunsAJobInTwoOtherProcesses() {
    try (SparkTestCluster cluster = SparkTestCluster.localCluster(Serialization.KRYO)) {
      assertThat(processesThatRanTasks(cluster.context()))
          .hasSize(2)
          .doesNotContain(ProcessHandle.current().pid())
          .containsExactlyInAnyOrderElementsOf(
              cluster.executors().stream().map(ProcessHandle::pid).toList());
    }
  }

  @Test
  void standaloneRunsAJobAndLeavesNoProcess() {
    List<ProcessHandle> processes;
    try (SparkTestCluster cluster = SparkTestCluster.standalone(Serialization.JAVA)) {
      assertThat(processesThatRanTasks(cluster.context())).hasSize(2);
      assertThat(cluster.workers()).hasSize(2);
      processes = ProcessHandle.current().descendants().toList();
      assertThat(processes).hasSizeGreaterThanOrEqualTo(5);
    }
    assertThat(processes).allSatisfy(process -> process.onExit().join());
  }

  private static Set<Long> processesThatRanTasks(JavaSparkContext context) {
    return new TreeSet<>(
        context
            .parallelize(IntStream.range(0, 4).boxed().toList(), 4)
            .map(
                index -> {
                  Thread.sleep(300); // so that one executor cannot take all
                  return ProcessHandle.current().pid();
                })
            .collect());
  }
}
