package org.sparkrnn.driver.rounds;

import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.driver.cluster.JobWatch;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.training.ReplicaTrainer;

/** What can be known before the first round: whether its results fit and its files are seen. */
final class RunChecks {
  private static final String MAX_RESULT_SIZE = "spark.driver.maxResultSize";

  private final JavaSparkContext context;
  private final RoundSetting setting;

  RunChecks(JavaSparkContext context, RoundSetting setting) {
    this.context = context;
    this.setting = setting;
  }

  /**
   * Checks that a round's results may come to the driver.
   *
   * @throws BadInputException naming Spark's setting
   */
  void requireResultsFit() {
    TrainingConfig config = setting.config();
    long parameterBytes = 4L * setting.spec().layout().size();
    long averaged =
        sharesMoments()
            ? (1L + ReplicaTrainer.momentVectors(config)) * parameterBytes
            : parameterBytes;
    long carried = Math.min(stateBytes(), config.round().inlineStateBytes());
    long needed = averaged + config.training().replicas() * carried;
    long allowed = context.getConf().getSizeAsBytes(MAX_RESULT_SIZE, "1g");
    if (allowed > 0 && needed > allowed) {
      throw new BadInputException(
          ("Cannot train: a round returns %,d bytes to the driver, %s allows %,d; raise it, or"
                  + " lower round.inline-state-bytes")
              .formatted(needed, MAX_RESULT_SIZE, allowed));
    }
  }

  /**
   * Checks that every executor sees the files that another one writes, where rounds need that.
   *
   * @throws BadInputException if one does not
   */
  void requireSharedWorkFolder(JobWatch watch) throws IOException {
    HadoopFiles files = setting.files();
    String folder = setting.workFolder();
    boolean needed = stateBytes() > setting.config().round().inlineStateBytes();
    if (!needed || !files.isLocal(folder) || context.isLocal()) {
      return;
    }
    String probe = Files.join(folder, "probe");
    try (OutputStream out = files.create(probe)) {
      out.write(1);
    }
    int tasks = Math.max(2, 2 * context.defaultParallelism());
    context.setJobGroup("spark-rnn probe", "whether all executors see " + folder, false);
    List<Boolean> seen =
        watch.await(
            "look for " + probe,
            context
                .parallelize(IntStream.range(0, tasks).boxed().toList(), tasks)
                .map(task -> files.exists(probe))
                .collectAsync());
    context.clearJobGroup();
    files.delete(probe);
    if (seen.contains(false)) {
      throw new BadInputException(
          ("Cannot keep %,d bytes of carried state per replica in %s: not every executor sees it;"
                  + " set checkpoint.path to a file system that all see, or raise"
                  + " round.inline-state-bytes")
              .formatted(stateBytes(), folder));
    }
  }

  /** What a replica carries from round to round. */
  private long stateBytes() {
    TrainingConfig config = setting.config();
    long hidden = setting.spec().stateFloats(config.batch().streams());
    long moments =
        sharesMoments()
            ? 0
            : (long) ReplicaTrainer.momentVectors(config) * setting.spec().layout().size();
    return 4 * (hidden + moments);
  }

  private boolean sharesMoments() {
    return setting.config().optimizer().state()
        == org.sparkrnn.common.config.OptimizerConfig.State.AVERAGE;
  }
}
