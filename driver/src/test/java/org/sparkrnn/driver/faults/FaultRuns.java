package org.sparkrnn.driver.faults;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.storage.Checksums;
import org.sparkrnn.driver.metrics.TrainingListener;
import org.sparkrnn.driver.rounds.TestRuns;
import org.sparkrnn.driver.rounds.TrainOptions;
import org.sparkrnn.driver.rounds.Trainer;
import org.sparkrnn.driver.rounds.TrainingOutcome;

/**
 * The run that the tests of faults interrupt: a round of one replica in the place of both, then two
 * of both, each with an evaluation and a checkpoint, of which one is kept beside the best; carried
 * state goes through files.
 */
final class FaultRuns {
  static final int ROUNDS = 3;

  private static final Map<String, Object> SETTINGS = settings();

  private FaultRuns() {}

  private static Map<String, Object> settings() {
    Map<String, Object> settings = new HashMap<>();
    settings.put("optimizer.kind", "adam");
    settings.put("optimizer.learning-rate", 0.01);
    settings.put("outer.kind", "nesterov");
    settings.put("outer.momentum", 0.5);
    settings.put("evaluation.every-rounds", 1);
    settings.put("model.dropout", 0.2);
    settings.put("checkpoint.keep-last", 1);
    settings.put("round.inline-state-bytes", 0);
    settings.put("round.local-steps", 4);
    settings.put("round.warmup-steps", 3);
    settings.put("training.epochs", 1);
    return Map.copyOf(settings);
  }

  static Path corpus(Path folder) {
    return TestRuns.corpus(folder, 83, 191, 41);
  }

  /**
   * Starts the run in a folder, or goes on with it.
   *
   * @param scheme {@code file} or {@code failing}
   */
  static TrainingOutcome train(
      JavaSparkContext context,
      Path corpus,
      String scheme,
      Path run,
      List<TrainingListener> listeners)
      throws IOException {
    Map<String, Object> settings = new HashMap<>(SETTINGS);
    settings.put("checkpoint.path", scheme + "://" + run);
    TrainingConfig config = TestRuns.config(corpus.toString(), run, settings);
    return Trainer.run(context, config, TrainOptions.start().resuming(), listeners);
  }

  /**
   * All that a run has left behind: checksums of manifests, which hold those of their checkpoints;
   * {@code metrics.jsonl} as its number of rounds; of other files that they are there.
   */
  static Map<String, String> left(Path run) throws IOException {
    Map<String, String> left = new TreeMap<>();
    try (Stream<Path> files = Files.walk(run)) {
      for (Path file : files.toList()) {
        String name = run.relativize(file).toString();
        if (Files.isDirectory(file)) {
          left.put(name + "/", "");
        } else if (name.endsWith("manifest.json")) {
          left.put(name, Checksums.sha256Hex(Files.readAllBytes(file)));
        } else {
          left.put(name, name.equals("metrics.jsonl") ? Files.readAllLines(file).size() + "" : "");
        }
      }
    }
    return left;
  }
}
