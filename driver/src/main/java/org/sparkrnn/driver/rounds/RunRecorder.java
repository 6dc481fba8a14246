package org.sparkrnn.driver.rounds;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.spark.api.java.JavaSparkContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkrnn.common.checkpoint.Checkpoint;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.checkpoint.Machine;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.driver.metrics.MetricsLog;
import org.sparkrnn.driver.metrics.RoundMetrics;
import org.sparkrnn.driver.metrics.RunDescription;
import org.sparkrnn.driver.metrics.TrainingListener;
import org.sparkrnn.worker.model.ModelSchema;
import org.sparkrnn.worker.training.Measured;
import org.sparkrnn.worker.training.TrainingCheckpoint;
import org.sparkrnn.worker.training.TrainingState;

/** What a run leaves behind and tells: checkpoints, {@code metrics.jsonl}, logs, listeners. */
final class RunRecorder {
  private static final Logger LOG = LoggerFactory.getLogger(RunRecorder.class);
  private static final String METRICS = "metrics.jsonl";

  private final JavaSparkContext context;
  private final RoundSetting setting;
  private final CheckpointStore store;
  private final ModelSchema schema;
  private final List<TrainingListener> listeners;
  private final MetricsLog metricsLog;
  private final Instant started = Instant.now();
  private final TreeSet<String> kernels = new TreeSet<>();
  private long savedStep;

  /**
   * @param begin where the run begins; its step, unless 0, has a checkpoint
   */
  RunRecorder(
      JavaSparkContext context,
      RoundSetting setting,
      CheckpointStore store,
      ModelSchema schema,
      List<TrainingListener> listeners,
      TrainingState begin)
      throws IOException {
    this.context = context;
    this.setting = setting;
    this.store = store;
    this.schema = schema;
    this.listeners = List.copyOf(listeners);
    this.savedStep = begin.step();
    this.metricsLog =
        MetricsLog.open(setting.files(), Files.join(store.path(), METRICS), begin.round());
  }

  void started(RunDescription run) {
    LOG.info("Training from local step {}: {}", run.step(), run);
    listeners.forEach(listener -> listener.started(run));
  }

  void roundEnded(RoundMetrics metrics) throws IOException {
    LOG.info(
        "Round {}: step {}, loss {} nats per token, {} tokens/s",
        metrics.round(),
        metrics.step(),
        metrics.lossNats(),
        Math.round(metrics.tokensPerSecond()));
    kernels.addAll(metrics.kernels());
    metricsLog.add(metrics);
    listeners.forEach(listener -> listener.roundEnded(metrics));
  }

  void evaluated(RoundMetrics metrics, Measured evaluation, boolean best) {
    LOG.info("Round {}: validation {}", metrics.round(), evaluation.summary());
    metricsLog.replaceLast(metrics);
    listeners.forEach(listener -> listener.evaluated(metrics.round(), evaluation, best));
  }

  /** Saves a position unless its step has been saved. */
  void save(RunPosition position) throws IOException {
    TrainingState state = position.state();
    if (state.step() == savedStep) {
      return;
    }
    store.requireOwned(); // or the metrics would be another's
    metricsLog.flush(); // first: a checkpoint whose rounds are not in the metrics cannot be mended
    long begin = System.nanoTime();
    float[] trained = position.outer().parameters();
    SortedMap<String, float[]> outer = position.outer().state();
    outer.putAll(TrainingCheckpoint.trained(setting.config(), state, trained));
    Checkpoint checkpoint =
        TrainingCheckpoint.write(
            store,
            setting.config(),
            schema,
            state,
            TrainingCheckpoint.evaluated(
                setting.config(), state, trained, position.replicas().sharedMoments()),
            outer,
            replica -> position.replicas().open(replica, setting.files()),
            runJson());
    savedStep = state.step();
    metricsLog.checkpointTook(1e-9 * (System.nanoTime() - begin));
    listeners.forEach(listener -> listener.checkpointSaved(state.step(), checkpoint.path()));
  }

  void ended(String reason) throws IOException {
    metricsLog.flush();
    LOG.info("Training ended: {}", reason);
    listeners.forEach(listener -> listener.ended(reason));
  }

  /** Where and when: all that may differ between runs whose checkpoints are equal. */
  private Map<String, Object> runJson() {
    Map<String, Object> run = new TreeMap<>();
    run.put("application_id", context.sc().applicationId());
    run.put("corpus_path", setting.corpusPath());
    run.put("host", Machine.hostName());
    run.put("java_version", Runtime.version().toString());
    run.put("kernels", List.copyOf(kernels));
    run.put("master", context.master());
    run.put("saved", Instant.now().toString());
    run.put("spark_version", context.version());
    run.put("started", started.toString());
    return run;
  }
}
