package org.sparkrnn.driver.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;

/** Trainings in one Spark context do not disturb each other. */
@Timeout(300)
class SideBySideTest {
  @TempDir Path folder;

  @Test
  void trainingsOneAfterTheOtherAndAtOnceLeaveTheBytesOfEachAlone() throws Exception {
    Path corpus = FaultRuns.corpus(folder.resolve("corpus"));
    Path other = InvarianceRun.corpus(folder.resolve("other-corpus"));
    Map<String, String> expected;
    String otherExpected;
    try (SparkTestCluster alone = SparkTestCluster.local(2, Serialization.KRYO)) {
      expected = small(alone, corpus, "alone");
    }
    try (SparkTestCluster alone = SparkTestCluster.local(2, Serialization.KRYO)) {
      otherExpected = large(alone, other, "other-alone");
    }
    try (SparkTestCluster shared = SparkTestCluster.local(2, Serialization.KRYO)) {
      assertThat(small(shared, corpus, "first")).isEqualTo(expected);
      assertThat(large(shared, other, "second")).isEqualTo(otherExpected);

      ExecutorService threads = Executors.newFixedThreadPool(3);
      try {
        Callable<String> large = () -> large(shared, other, "large-at-once");
        Callable<Map<String, String>> small = () -> small(shared, corpus, "small-at-once");
        Callable<Map<String, String>> twin = () -> small(shared, corpus, "its-twin-at-once");
        Future<String> largeDone = threads.submit(large);
        Future<Map<String, String>> smallDone = threads.submit(small);
        Future<Map<String, String>> twinDone = threads.submit(twin);
        assertThat(largeDone.get()).isEqualTo(otherExpected);
        assertThat(smallDone.get()).isEqualTo(expected);
        assertThat(twinDone.get()).isEqualTo(expected);
      } finally {
        threads.shutdownNow();
      }
      assertThat(shared.context().getPersistentRDDs()).isEmpty();
    }
  }

  private Map<String, String> small(SparkTestCluster cluster, Path corpus, String run)
      throws IOException {
    FaultRuns.train(cluster.context(), corpus, "file", folder.resolve(run), List.of());
    return FaultRuns.left(folder.resolve(run));
  }

  private String large(SparkTestCluster cluster, Path corpus, String run) throws IOException {
    Path target = folder.resolve(run);
    InvarianceRun.train(
        cluster.context(), corpus.toString(), target.toString(), Map.of(), List.of());
    return InvarianceRun.checksum(target);
  }
}
