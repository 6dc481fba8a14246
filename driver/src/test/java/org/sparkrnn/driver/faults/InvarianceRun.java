package org.sparkrnn.driver.faults;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaSparkContext;
import org.sparkrnn.common.storage.Checksums;
import org.sparkrnn.driver.metrics.TrainingListener;
import org.sparkrnn.driver.rounds.TestRuns;
import org.sparkrnn.driver.rounds.TrainOptions;
import org.sparkrnn.driver.rounds.Trainer;

/**
 * The one run that every cluster must give the same bytes: two layers, five replicas on shards of
 * unequal length, Adam with moments of their own, dropout, outer momentum, two epochs of six
 * rounds, an evaluation after every fourth, all checkpoints kept.
 */
final class InvarianceRun {
  static final int ROUNDS = 12;

  private static final Map<String, Object> SETTINGS = settings();

  private InvarianceRun() {}

  private static Map<String, Object> settings() {
    Map<String, Object> settings = new HashMap<>();
    settings.put("training.replicas", 5);
    settings.put("round.warmup-steps", 0);
    settings.put("training.epochs", 2);
    settings.put("round.local-steps", 3);
    settings.put("model.dropout", 0.25);
    settings.put("optimizer.kind", "adam");
    settings.put("optimizer.learning-rate", 0.01);
    settings.put("optimizer.state", "keep-local");
    settings.put("outer.kind", "nesterov");
    settings.put("outer.learning-rate", 0.7);
    settings.put("outer.momentum", 0.5);
    settings.put("evaluation.every-rounds", 4);
    return Map.copyOf(settings);
  }

  static Path corpus(Path folder) {
    return TestRuns.corpus(folder, 97, List.of(611, 7, 385), 61);
  }

  /** Starts the run in a folder, or goes on with it; what further settings say decides nothing. */
  static void train(
      JavaSparkContext context,
      String corpus,
      String run,
      Map<String, Object> further,
      List<TrainingListener> listeners)
      throws IOException {
    Map<String, Object> settings = new HashMap<>(SETTINGS);
    settings.put("checkpoint.path", run);
    settings.putAll(further);
    Trainer.run(
        context,
        TestRuns.config(corpus, Path.of("/"), settings),
        TrainOptions.start().resuming(),
        listeners);
  }

  /** The one checksum: of all checkpoints' manifests and the names of all that the run left. */
  static String checksum(Path run) throws IOException {
    return Checksums.sha256Hex(FaultRuns.left(run).toString().getBytes(UTF_8));
  }
}
