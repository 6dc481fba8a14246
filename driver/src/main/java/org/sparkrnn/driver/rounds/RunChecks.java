package org.sparkrnn.driver.rounds;

import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.driver.cluster.JobWatch;
import org.sparkrnn.driver.memory.RoundMemory;
import org.sparkrnn.driver.storage.HadoopFiles;

/** What can be known before the first round: whether all executors see its files. */
final class RunChecks {
  private final JavaSparkContext context;
  private final RoundSetting setting;

  RunChecks(JavaSparkContext context, RoundSetting setting) {
    this.context = context;
    this.setting = setting;
  }

  /**
   * Checks that every executor sees the files that another one writes, where rounds need that.
   *
   * @throws BadInputException if one does not
   */
  void requireSharedWorkFolder(JobWatch watch) throws IOException {
    HadoopFiles files = setting.files();
    String folder = setting.workFolder();
    long stateBytes = RoundMemory.stateBytes(setting.config(), setting.spec());
    boolean needed = stateBytes > setting.config().round().inlineStateBytes();
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
              .formatted(stateBytes, folder));
    }
  }
}
