package org.sparkrnn.driver.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.driver.metrics.RoundMetrics;
import org.sparkrnn.driver.metrics.TrainingListener;

/** Promise 1 on HDFS: a name node and two data nodes, one of which is lost in the middle. */
@Timeout(600)
class LostDataNodeTest {
  private static final int LOST_AFTER_ROUND = 5;

  @TempDir Path folder;

  @Test
  void aRunThatLosesADataNodeLeavesTheBytesOfLocalFiles() throws IOException {
    Path corpus = InvarianceRun.corpus(folder.resolve("corpus"));
    Path expected = folder.resolve("expected");
    try (SparkTestCluster local = SparkTestCluster.local(1, Serialization.KRYO)) {
      InvarianceRun.train(
          local.context(), corpus.toString(), expected.toString(), Map.of(), List.of());
    }

    Configuration configuration = new Configuration();
    configuration.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.resolve("hdfs").toString());
    configuration.set("dfs.replication", "2");
    Path run = folder.resolve("run");
    try (MiniDFSCluster hdfs = new MiniDFSCluster.Builder(configuration).numDataNodes(2).build();
        SparkTestCluster cluster =
            SparkTestCluster.localCluster(
                Serialization.KRYO, Map.of("spark.hadoop.dfs.replication", "2"))) {
      FileSystem files = hdfs.getFileSystem();
      files.copyFromLocalFile(hadoopPath(corpus), new org.apache.hadoop.fs.Path("/corpus"));
      TrainingListener losing =
          new TrainingListener() {
            @Override
            public void roundEnded(RoundMetrics metrics) {
              if (metrics.round() == LOST_AFTER_ROUND) {
                hdfs.stopDataNode(0);
              }
            }
          };
      InvarianceRun.train(
          cluster.context(),
          hdfs.getURI() + "/corpus",
          hdfs.getURI() + "/run",
          Map.of("round.inline-state-bytes", 0),
          List.of(losing));
      assertThat(hdfs.getDataNodes()).hasSize(1);
      files.copyToLocalFile(false, new org.apache.hadoop.fs.Path("/run"), hadoopPath(run), true);
    }
    assertThat(InvarianceRun.checksum(run)).isEqualTo(InvarianceRun.checksum(expected));
  }

  private static org.apache.hadoop.fs.Path hadoopPath(Path path) {
    return new org.apache.hadoop.fs.Path(path.toUri());
  }
}
