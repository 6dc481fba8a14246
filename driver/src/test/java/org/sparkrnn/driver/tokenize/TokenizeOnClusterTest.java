package org.sparkrnn.driver.tokenize;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.driver.storage.OtherFileSystem;

@Timeout(240)
class TokenizeOnClusterTest {
  @TempDir Path temporary;

  @Test
  void executorsWriteTheBytesOfLocalMode() throws Exception {
    Files.write(temporary.resolve("a.txt"), Corpora.utf8(Corpora.lines(1, 4_000)));
    Files.write(temporary.resolve("b.gz"), Corpora.gzip(Corpora.utf8(Corpora.lines(2, 2_000))));
    Map<String, String> expected;
    try (SparkTestCluster local = SparkTestCluster.local(2, Serialization.JAVA)) {
      expected = tokenize(local, "", "local");
    }
    Map<String, String> settings =
        Map.of(
            "spark.hadoop.fs.other.impl", OtherFileSystem.class.getName(),
            "spark.hadoop.fs.AbstractFileSystem.other.impl",
                OtherFileSystem.Context.class.getName(),
            "spark.speculation", "true");
    try (SparkTestCluster executors = SparkTestCluster.localCluster(Serialization.KRYO, settings)) {
      assertThat(tokenize(executors, "", "cluster")).isEqualTo(expected);
      assertThat(tokenize(executors, "other://", "other")).isEqualTo(expected);
    }
  }

  private Map<String, String> tokenize(SparkTestCluster cluster, String scheme, String output)
      throws IOException {
    TokenizeJob.run(
        cluster.session(),
        TokenizeRequest.builder(
                List.of(scheme + temporary + "/a.txt", scheme + temporary + "/b*"),
                Unit.WORD,
                scheme + temporary.resolve(output))
            .splitPercent(List.of(90.0, 5.0, 5.0))
            .minCount(3)
            .rangeBytes(5_000)
            .shardTokens(4_096)
            .build());
    return Corpora.content(temporary.resolve(output));
  }
}
