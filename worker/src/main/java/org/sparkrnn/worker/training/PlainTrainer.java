package org.sparkrnn.worker.training;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkrnn.common.checkpoint.Checkpoint;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.config.OuterConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.ModelSchema;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.model.WordVectors;

/**
 * Trains one replica in this JVM, without Spark: the plain algorithm, which defines what {@code
 * replicas = 1} on Spark must equal byte for byte. Nothing is averaged; a round is only where a run
 * may stop, evaluate and write a checkpoint.
 */
public final class PlainTrainer {
  private static final Logger LOG = LoggerFactory.getLogger(PlainTrainer.class);
  private static final String VALIDATION = "valid";

  private final TrainingConfig config;
  private final TrainingCorpus corpus;
  private final ModelSchema schema;
  private final ModelSpec spec;
  private final Kernel kernel;
  private final Files files;
  private final CheckpointStore store;
  private TrainingState state;
  private float[] parameters;
  private ReplicaState replica = ReplicaState.start();

  private PlainTrainer(TrainingConfig config, Files files, TrainingCorpus corpus, Kernel kernel)
      throws IOException {
    if (config.training().replicas() != 1 || config.outer().kind() != OuterConfig.Kind.AVERAGE) {
      throw new BadInputException(
          "Cannot train without Spark: training.replicas must be 1 and outer.kind average");
    }
    this.config = config;
    this.corpus = corpus;
    this.schema = corpus.schema();
    this.spec = schema.spec(config);
    this.kernel = kernel;
    this.files = files;
    this.store = new CheckpointStore(files, config.checkpoint().path());
    this.state = TrainingState.start(Plan.of(config, corpus.trainingSize(config)));
    this.parameters = new float[0];
  }

  /**
   * Trains to the end of the run or to a limit, and leaves a checkpoint there.
   *
   * @param resume go on from the newest checkpoint at {@code checkpoint.path}, if there is one
   * @param stop asked after every round
   * @return the state at the end
   */
  public static TrainingState run(
      TrainingConfig config,
      Files files,
      CorpusReader corpus,
      Kernel kernel,
      boolean resume,
      BooleanSupplier stop)
      throws IOException {
    return run(config, files, new TokenCorpus(corpus), kernel, resume, stop);
  }

  /** As above, on any corpus. */
  public static TrainingState run(
      TrainingConfig config,
      Files files,
      TrainingCorpus corpus,
      Kernel kernel,
      boolean resume,
      BooleanSupplier stop)
      throws IOException {
    PlainTrainer trainer = new PlainTrainer(config, files, corpus, kernel);
    trainer.start(resume);
    return trainer.train(stop);
  }

  private void start(boolean resume) throws IOException {
    Optional<Checkpoint> newest = store.newest();
    store.warnings().forEach(LOG::warn);
    if (newest.isEmpty()) {
      corpus.requireFit(config, spec);
      parameters = spec.initialise(config.model(), config.training().seed());
      String vectors = config.model().pretrainedEmbeddings();
      if (!vectors.isEmpty()) {
        Vocabulary words = schema.vocabulary();
        int found = WordVectors.read(files, vectors, words, spec.embedding(), parameters);
        LOG.info("{} of {} words start from {}", found, words.size(), vectors);
      }
      return;
    }
    if (!resume) {
      throw new BadInputException(
          "Cannot start a run in %s: it has checkpoints already".formatted(store.path()));
    }
    TrainingCheckpoint checkpoint = TrainingCheckpoint.open(newest.get());
    checkpoint.requireContinuedBy(config, schema);
    state = checkpoint.state();
    parameters = checkpoint.trainedParameters();
    replica = checkpoint.replica(0);
  }

  private TrainingState train(BooleanSupplier stop) throws IOException {
    long startNanos = System.nanoTime();
    long limitNanos = config.training().maxDuration().toNanos();
    while (state.end(config).isEmpty()) {
      trainRound();
      if (state.evaluationDue(config)) {
        evaluate();
      }
      boolean ends =
          state.end(config).isPresent()
              || stop.getAsBoolean()
              || (limitNanos > 0 && System.nanoTime() - startNanos >= limitNanos);
      if (ends || state.checkpointDue(config)) {
        saveCheckpoint();
      }
      if (ends) {
        break;
      }
    }
    return state;
  }

  private void trainRound() throws IOException {
    state = state.begin(config, corpus.trainingSize(config));
    int steps = state.stepsInRound(config);
    ReplicaResult result =
        corpus.train(
            config,
            spec,
            kernel,
            state.plan(),
            state.task(0, steps),
            parameters,
            replica,
            () -> false);
    parameters = result.parameters();
    replica = result.state();
    state = state.afterRound(config, steps);
    LOG.debug(
        "round {}, step {}: loss {}",
        state.round(),
        state.step(),
        result.statistics().lossNatsPerToken());
  }

  private void evaluate() throws IOException {
    Optional<Measured> evaluation = corpus.evaluate(config, spec, kernel, evaluated(), VALIDATION);
    if (evaluation.isPresent()) {
      state = state.afterEvaluation(config, evaluation.get().loss());
      LOG.debug("step {}: validation {}", state.step(), evaluation.get().summary());
    }
  }

  private float[] evaluated() {
    return TrainingCheckpoint.evaluated(config, state, parameters, replica.moments());
  }

  private void saveCheckpoint() throws IOException {
    TrainingCheckpoint.write(
        store,
        config,
        schema,
        state,
        evaluated(),
        TrainingCheckpoint.trained(config, state, parameters),
        index -> replica,
        Map.of("trainer", "plain", "kernel", kernel.name()));
  }
}
