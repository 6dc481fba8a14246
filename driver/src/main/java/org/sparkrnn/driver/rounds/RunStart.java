package org.sparkrnn.driver.rounds;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkrnn.common.checkpoint.Checkpoint;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.config.OptimizerConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.worker.model.ModelSchema;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.model.WordVectors;
import org.sparkrnn.worker.training.Plan;
import org.sparkrnn.worker.training.ReplicaState;
import org.sparkrnn.worker.training.TrainingCheckpoint;
import org.sparkrnn.worker.training.TrainingState;

/** Where a run begins: at new parameters, at those of another run, or where it was left. */
final class RunStart {
  private static final Logger LOG = LoggerFactory.getLogger(RunStart.class);

  private final RoundSetting setting;
  private final CheckpointStore store;
  private final ModelSchema schema;
  private String wordVectors = "";

  RunStart(RoundSetting setting, CheckpointStore store, ModelSchema schema) {
    this.setting = setting;
    this.store = store;
    this.schema = schema;
  }

  /**
   * Finds it.
   *
   * @param trainTokens tokens or sequences of the training split
   * @throws BadInputException if that would overwrite a run, continue one with other settings, or
   *     leave nothing to train on
   */
  RunPosition find(TrainOptions options, long trainTokens) throws IOException {
    if (options.resume()) {
      Optional<Checkpoint> newest = store.newest();
      store.warnings().forEach(LOG::warn);
      if (newest.isPresent()) {
        TrainingCheckpoint checkpoint = TrainingCheckpoint.open(newest.get());
        checkpoint.requireContinuedBy(setting.config(), schema);
        // What a run left that was killed between its checkpoint and the end of its work.
        setting.files().delete(setting.workFolder());
        TrainingCheckpoint.retain(store, setting.config(), checkpoint.state());
        return resumed(checkpoint);
      }
    }
    List<Long> steps = store.steps();
    if (!steps.isEmpty()) {
      throw new BadInputException(
          options.resume()
              ? "Cannot resume %s: none of its checkpoints is whole (%s)"
                  .formatted(store.path(), String.join("; ", store.warnings()))
              : "Cannot start a run in %s: it has %s already; add --resume, or set checkpoint.path"
                  .formatted(store.path(), store.pathOf(steps.get(steps.size() - 1))));
    }
    TrainingConfig config = setting.config();
    if (options.from().isPresent() && !config.model().pretrainedEmbeddings().isEmpty()) {
      throw new BadInputException(
          "Cannot start from %s: model.pretrained-embeddings would be without effect"
              .formatted(options.from().get()));
    }
    Plan plan = Plan.atStart(config, trainTokens);
    float[] parameters = options.from().isPresent() ? warm(options.from().get()) : drawn(config);
    setting.files().delete(setting.workFolder());
    return new RunPosition(
        TrainingState.start(plan),
        OuterOptimizer.start(config.outer(), parameters),
        ReplicaStates.start(plan.replicas(), sharesMoments()));
  }

  private float[] drawn(TrainingConfig config) throws IOException {
    float[] parameters = setting.spec().initialise(config.model(), config.training().seed());
    String path = config.model().pretrainedEmbeddings();
    if (!path.isEmpty()) {
      int columns = setting.spec().embedding();
      int found = WordVectors.read(setting.files(), path, schema.vocabulary(), columns, parameters);
      wordVectors =
          "%d of %d words start from %s, the others as drawn"
              .formatted(found, schema.vocabulary().size(), path);
      LOG.info(wordVectors);
    }
    return parameters;
  }

  /** How many words began with a vector from a file; empty if there is none or it was not read. */
  String wordVectors() {
    return wordVectors;
  }

  private RunPosition resumed(TrainingCheckpoint checkpoint) throws IOException {
    TrainingConfig config = setting.config();
    List<CarriedState> carried = new ArrayList<>();
    ReplicaState first = checkpoint.replica(0);
    for (int replica = 0; replica < checkpoint.state().plan().replicas(); replica++) {
      ReplicaState state = replica == 0 ? first : checkpoint.replica(replica);
      carried.add(
          CarriedState.of(
              sharesMoments() ? state.withMoments(new float[0], 0) : state,
              config.round().inlineStateBytes(),
              setting.files(),
              Files.join(setting.workFolder(), "resumed/replica-%d.state".formatted(replica)),
              "driver"));
    }
    return new RunPosition(
        checkpoint.state(),
        OuterOptimizer.restore(
            config.outer(),
            checkpoint.trainedParameters(),
            checkpoint.outer(OuterOptimizer.stateNames(config.outer()))),
        sharesMoments()
            ? ReplicaStates.sharing(carried, first.moments(), first.optimizerSteps())
            : ReplicaStates.ofTheirOwn(carried));
  }

  /** The parameters of another run, if it is of the same architecture and vocabulary. */
  private float[] warm(String path) throws IOException {
    TrainingCheckpoint checkpoint =
        TrainingCheckpoint.open(CheckpointStore.resolve(setting.files(), path, LOG::warn));
    checkpoint.requireSchema(schema);
    ModelSpec spec = setting.spec();
    if (!checkpoint.spec().layout().equals(spec.layout())) {
      throw new BadInputException(
          "Cannot start from %s: its model is %s, the settings ask for %s"
              .formatted(checkpoint.checkpoint().path(), checkpoint.spec(), spec));
    }
    return checkpoint.parameters();
  }

  private boolean sharesMoments() {
    return setting.config().optimizer().state() == OptimizerConfig.State.AVERAGE;
  }
}
