package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkEnv;
import org.apache.spark.storage.BlockId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.driver.cluster.JobWatch;
import org.sparkrnn.driver.cluster.StopRequest;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.Plan;
import org.sparkrnn.worker.training.ReplicaState;
import org.sparkrnn.worker.training.TrainingState;

/** Rounds leave nothing behind and write to nothing that they share with the driver. */
@Timeout(180)
class RoundResourcesTest {
  private static final int ROUNDS = 36;

  @TempDir Path folder;

  @Test
  void manyRoundsLeaveNoBlocksAndNoBroadcastIsWrittenTo() throws Exception {
    Path corpus = TestRuns.corpus(folder.resolve("corpus"), 81, 2000, 0);
    TrainingConfig config =
        TestRuns.config(
            corpus.toString(),
            folder.resolve("run"),
            Map.of("optimizer.kind", "adam", "round.local-steps", 2));
    try (SparkTestCluster cluster = SparkTestCluster.local(2, Serialization.KRYO)) {
      ModelSpec spec = ModelSpec.of(config.model(), TestRuns.VOCABULARY);
      HadoopFiles files = new HadoopFiles(cluster.context().hadoopConfiguration());
      TrainingRound rounds =
          new TrainingRound(
              cluster.context(),
              new RoundSetting(config, spec, files, corpus.toString(), folder + "/work"),
              new JobWatch(new StopRequest(), Duration.ofMinutes(1), Duration.ofSeconds(1)));
      TrainingState state = TrainingState.start(Plan.of(config, 2000));
      float[] start = spec.initialise(config.model(), 1);
      ReplicaStates replicas = ReplicaStates.start(2, false);
      int blocksEarly = 0;
      for (int round = 1; round <= ROUNDS; round++) {
        int startHash = Arrays.hashCode(start);
        int statesHash = hash(replicas, files);
        RoundResult result = rounds.run(state, 2, start, replicas);
        assertThat(Arrays.hashCode(start)).as("start of round %d", round).isEqualTo(startHash);
        assertThat(hash(replicas, files)).as("states of round %d", round).isEqualTo(statesHash);
        assertThat(result.average()).isNotEqualTo(start);
        start = result.average();
        replicas = result.states();
        state = state.afterRound(config, 2);
        if (round == ROUNDS / 2) {
          blocksEarly = blocks(0);
        }
      }
      assertThat(cluster.context().getPersistentRDDs()).isEmpty();
      assertThat(blocks(blocksEarly)).isLessThanOrEqualTo(blocksEarly);
    }
  }

  /** Blocks of this JVM once the cleaner has caught up, or is given up waiting for. */
  private static int blocks(int expected) throws InterruptedException {
    int blocks = Integer.MAX_VALUE;
    for (int attempt = 0; attempt < 50 && blocks > expected; attempt++) {
      System.gc(); // task binaries are broadcasts of Spark's own, freed when nobody refers to them
      Thread.sleep(100);
      blocks = SparkEnv.get().blockManager().getMatchingBlockIds(BlockId::isBroadcast).size();
    }
    return blocks;
  }

  private static int hash(ReplicaStates replicas, HadoopFiles files) throws IOException {
    int hash = 0;
    for (int replica : List.of(0, 1)) {
      ReplicaState state = replicas.open(replica, files);
      hash = 31 * (31 * hash + Arrays.hashCode(state.hidden())) + Arrays.hashCode(state.moments());
    }
    return hash;
  }
}
