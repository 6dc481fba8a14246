package org.sparkrnn.driver.rounds;

import java.io.IOException;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Optional;
import org.apache.spark.api.java.JavaSparkContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.checkpoint.RunLock;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.ClusterFailedException;
import org.sparkrnn.common.errors.DivergedException;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.driver.cluster.AbandonedException;
import org.sparkrnn.driver.cluster.JobWatch;
import org.sparkrnn.driver.cluster.StopRequest;
import org.sparkrnn.driver.cost.CostForecast;
import org.sparkrnn.driver.cost.Machines;
import org.sparkrnn.driver.cost.RoundWork;
import org.sparkrnn.driver.evaluation.CorpusEvaluation;
import org.sparkrnn.driver.memory.MemoryPlan;
import org.sparkrnn.driver.memory.RoundMemory;
import org.sparkrnn.driver.metrics.RoundMetrics;
import org.sparkrnn.driver.metrics.RunDescription;
import org.sparkrnn.driver.metrics.TrainingListener;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.model.ModelSchema;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.Measured;
import org.sparkrnn.worker.training.Plan;
import org.sparkrnn.worker.training.TaskMemory;
import org.sparkrnn.worker.training.TrainingCheckpoint;
import org.sparkrnn.worker.training.TrainingCorpus;
import org.sparkrnn.worker.training.TrainingState;

/**
 * Trains a model on a Spark cluster: rounds of local training, each averaged and followed by an
 * outer step, with evaluations and checkpoints in between, until the run ends.
 *
 * <p>A position is what a checkpoint holds; the loop goes from one to the next. Where a run is cut
 * off, by a limit, a signal or a crash, does not show in any of them.
 */
public final class Trainer {
  private static final Logger LOG = LoggerFactory.getLogger(Trainer.class);
  private static final String VALIDATION = "valid";

  private final TrainingConfig config;
  private final RoundSetting setting;
  private final StopRequest stop;
  private final RunLock lock;
  private final CheckpointStore store;
  private final String corpusFingerprint;
  private final TrainingRound rounds;
  private final CorpusEvaluation evaluation;
  private final RunRecorder recorder;
  private final MemoryPlan memory;
  private final CostForecast cost;
  private final String wordVectors;
  private Duration longestRound = Duration.ZERO;
  private RunPosition position;

  private Trainer(
      JavaSparkContext context,
      TrainingConfig config,
      TrainOptions options,
      List<TrainingListener> listeners,
      HadoopFiles files,
      String run,
      RunLock lock)
      throws IOException {
    String corpusPath = files.absolute(required("corpus.path", config.corpus().path()));
    TrainingCorpus corpus = TrainingCorpus.openFitting(files, corpusPath, config);
    ModelSchema schema = corpus.schema();
    ModelSpec spec = schema.spec(config);
    this.config = config;
    this.setting = new RoundSetting(config, spec, files, corpusPath, Files.join(run, "work"));
    this.stop = options.stop();
    this.lock = lock;
    this.store = new CheckpointStore(files, run, lock);
    this.corpusFingerprint = corpus.fingerprint();
    JobWatch watch = new JobWatch(stop, config.round().timeout(), config.training().stopGrace());
    this.rounds = new TrainingRound(context, setting, watch);
    this.evaluation = new CorpusEvaluation(context, files, corpusPath, config, spec, watch);
    this.memory = MemoryPlan.of(context, RoundMemory.of(config, spec));
    memory.requirePossible();
    RunStart start = new RunStart(setting, store, schema);
    this.position = start.find(options, corpus.trainingSize(config));
    this.wordVectors = start.wordVectors();
    if (position.state().step() == 0) {
      corpus.requireFit(config, spec);
    }
    corpus.canEvaluate(VALIDATION, config); // refuses what would be found out after the first epoch
    new RunChecks(context, setting).requireSharedWorkFolder(watch);
    this.recorder = new RunRecorder(context, setting, store, schema, listeners, position.state());
    Plan plan = wholeEpoch();
    this.cost =
        new CostForecast(
            RoundWork.of(config, spec, plan, CostForecast.rate(config, spec)),
            Machines.of(context, plan.replicas(), (double) config.forecast().bandwidth()));
  }

  /**
   * Trains until the epochs are done, a limit is reached or somebody asks to stop, and leaves a
   * checkpoint there.
   *
   * @throws BadInputException if a setting, the corpus or a checkpoint is not fit for it, or
   *     another process trains into the folder
   * @throws DivergedException if a loss or a parameter is no longer finite; the checkpoints before
   *     stay
   * @throws ClusterFailedException if the cluster does not do its work
   */
  public static TrainingOutcome run(
      JavaSparkContext context,
      TrainingConfig config,
      TrainOptions options,
      List<TrainingListener> listeners)
      throws IOException {
    HadoopFiles files = new HadoopFiles(context.hadoopConfiguration());
    try (RunLock lock = lock(files, config)) {
      return run(context, config, options, listeners, lock);
    }
  }

  /**
   * Takes the folder of a run before Spark starts: a folder that another process trains into, or
   * that may not be written to, is known then.
   *
   * @throws BadInputException if another process trains into it
   */
  public static RunLock lock(HadoopFiles files, TrainingConfig config) throws IOException {
    String run = files.absolute(required("checkpoint.path", config.checkpoint().path()));
    return RunLock.acquire(files, run, LOG::warn);
  }

  /** As {@link #run(JavaSparkContext, TrainingConfig, TrainOptions, List)}, of who has the lock. */
  public static TrainingOutcome run(
      JavaSparkContext context,
      TrainingConfig config,
      TrainOptions options,
      List<TrainingListener> listeners,
      RunLock lock)
      throws IOException {
    ZonedDateTime now = ZonedDateTime.now(ZoneId.systemDefault());
    config
        .training()
        .deadline(now)
        .ifPresent(
            deadline ->
                options
                    .stop()
                    .requestAfter(
                        Duration.between(now, deadline.at()), "time limit " + deadline.setting()));
    HadoopFiles files = new HadoopFiles(context.hadoopConfiguration());
    String run = files.absolute(required("checkpoint.path", config.checkpoint().path()));
    Trainer trainer = new Trainer(context, config, options, listeners, files, run, lock);
    try {
      return trainer.train();
    } finally {
      trainer.deleteWorkFolder();
    }
  }

  private TrainingOutcome train() throws IOException {
    memory.warnings().forEach(LOG::warn);
    recorder.started(description());
    try {
      while (end().isEmpty()) {
        long begin = System.nanoTime();
        trainRound();
        if (position.state().checkpointDue(config)) {
          recorder.save(position);
        }
        Duration took = Duration.ofNanos(System.nanoTime() - begin);
        longestRound = took.compareTo(longestRound) > 0 ? took : longestRound;
      }
      recorder.save(position);
    } catch (AbandonedException e) {
      LOG.warn("{}; what came before it is kept", e.getMessage());
      recorder.save(position);
    } catch (ClusterFailedException e) {
      saveAfter(e);
      throw e;
    }
    return outcome();
  }

  /** From one position to the next. */
  private void trainRound() throws IOException {
    TrainingState before = position.state().begin(config, tokensOfNextRound());
    int steps = before.stepsInRound(config);
    ReplicaStates states = position.replicas().handedTo(before.plan().replicas());
    RoundResult result = rounds.run(before, steps, position.outer().start(), states);
    OuterOptimizer outer =
        before.warmsUp(config)
            ? OuterOptimizer.start(config.outer(), result.average())
            : position.outer().step(result.average());
    TrainingState after = before.afterRound(config, steps);
    RoundMetrics metrics = RoundSummary.of(config, before, after, result);
    recorder.roundEnded(metrics);
    if (after.evaluationDue(config)) {
      float[] moments = result.states().sharedMoments();
      after =
          evaluate(
              TrainingCheckpoint.evaluated(config, after, outer.parameters(), moments),
              after,
              metrics);
    }
    outer =
        outer.afterLearningRate(metrics.learningRate(), RoundSummary.learningRate(config, after));
    RunPosition next = new RunPosition(after, outer, result.states());
    position.replicas().deleteUnless(next.replicas(), setting.files());
    position = next;
  }

  private TrainingState evaluate(float[] parameters, TrainingState state, RoundMetrics metrics)
      throws IOException {
    if (!corpus().canEvaluate(VALIDATION, config)) {
      return state;
    }
    long begin = System.nanoTime();
    Measured losses = evaluation.evaluate(parameters, VALIDATION);
    TrainingState evaluated = state.afterEvaluation(config, losses.loss());
    recorder.evaluated(
        metrics.withValidation(losses.loss(), 1e-9 * (System.nanoTime() - begin)),
        losses,
        evaluated.isBest());
    return evaluated;
  }

  /** Why the run ends here, where a round as long as the longest may be too long; empty if not. */
  private Optional<String> end() {
    return position
        .state()
        .end(config)
        .map(TrainingState.End::reason)
        .or(() -> stop.tooLateFor(longestRound));
  }

  private TrainingOutcome outcome() throws IOException {
    String reason = end().orElse("stopped");
    recorder.ended(reason);
    TrainingState state = position.state();
    return new TrainingOutcome(
        reason,
        state,
        state.step() == 0 ? Optional.empty() : Optional.of(store.pathOf(state.step())),
        state.end(config).isPresent());
  }

  /** The rounds before the one that the cluster failed in are good. */
  private void saveAfter(ClusterFailedException failure) {
    try {
      recorder.save(position);
    } catch (IOException | RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  private void deleteWorkFolder() {
    if (!lock.isOwned()) {
      return; // another run works in it
    }
    try {
      setting.files().delete(setting.workFolder());
    } catch (IOException e) {
      LOG.warn("Cannot delete {}, which nobody needs any more", setting.workFolder(), e);
    }
  }

  /**
   * Tokens or sequences of the training split; a corpus that grew takes effect when an epoch
   * begins.
   */
  private long tokensOfNextRound() throws IOException {
    if (!position.state().beginsEpoch()) {
      return position.state().plan().tokens();
    }
    TrainingCorpus corpus = corpus();
    if (!corpus.fingerprint().equals(corpusFingerprint)) {
      throw new BadInputException(
          "Cannot go on training: corpus %s has got another vocabulary"
              .formatted(setting.corpusPath()));
    }
    return corpus.trainingSize(config);
  }

  /** As it is now: its manifest may have been replaced. */
  private TrainingCorpus corpus() throws IOException {
    return TrainingCorpus.open(setting.files(), setting.corpusPath(), config);
  }

  private RunDescription description() {
    TrainingState state = position.state();
    Plan plan = wholeEpoch();
    return new RunDescription(
        setting.spec().layout().size(),
        plan.replicas(),
        config.training().epochs(),
        state.epoch(),
        state.step(),
        state.stepInEpoch(),
        plan.steps(),
        plan.trainedTokens(),
        state.tokens(),
        plan.droppedTokens(),
        plan.unit(),
        TaskMemory.of(config, setting.spec()),
        memory.summary(),
        cost.lines(config.training().epochs()),
        wordVectors,
        warmup());
  }

  /** The plan of a whole epoch, also while one replica trains its beginning. */
  private Plan wholeEpoch() {
    return Plan.of(config, position.state().plan().tokens());
  }

  private String warmup() {
    Plan plan = position.state().plan();
    boolean ahead = position.state().warmsUp(config) && !position.state().epochEnded();
    return ahead
        ? "one replica with %d streams takes the first %,d steps, then all go on from there"
            .formatted(plan.streams(), plan.steps())
        : "";
  }

  private static String required(String key, String value) {
    if (value.isEmpty()) {
      throw new BadInputException("Cannot train: %s is not set".formatted(key));
    }
    return value;
  }
}
