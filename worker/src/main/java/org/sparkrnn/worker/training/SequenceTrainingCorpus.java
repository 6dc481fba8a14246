package org.sparkrnn.worker.training;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.sequences.SequenceCorpus;
import org.sparkrnn.common.sequences.SequenceManifest;
import org.sparkrnn.common.sequences.SequenceReader;
import org.sparkrnn.common.sequences.SequenceSplit;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.ModelSchema;
import org.sparkrnn.worker.model.ModelSpec;

/** Sequences, each with what is to be predicted. */
record SequenceTrainingCorpus(SequenceCorpus corpus, String path) implements TrainingCorpus {

  @Override
  public ModelSchema schema() throws IOException {
    return new ModelSchema(corpus.vocabulary(), List.of(corpus.schema()));
  }

  @Override
  public String fingerprint() {
    SequenceManifest manifest = corpus.manifest();
    return manifest.vocabularyFingerprint() + manifest.schemaFingerprint();
  }

  @Override
  public long trainingSize(TrainingConfig config) {
    requireSplit(TRAIN, config);
    return corpus.manifest().split(TRAIN).sequences();
  }

  @Override
  public void requireSplit(String name, TrainingConfig config) {
    SequenceSplit split = corpus.manifest().split(name);
    if (split.longest() > config.batch().window()) {
      throw new BadInputException(
          "Cannot use split %s of %s with batch.window = %d: its longest sequence has %d steps"
              .formatted(name, path, config.batch().window(), split.longest()));
    }
  }

  @Override
  public boolean canEvaluate(String split, TrainingConfig config) {
    if (!corpus.manifest().splits().containsKey(split)
        || corpus.manifest().split(split).sequences() == 0) {
      return false;
    }
    requireSplit(split, config);
    return true;
  }

  /** No order of words matters to models of sequences. */
  @Override
  public void requireFit(TrainingConfig config, ModelSpec spec) {}

  @Override
  public ReplicaResult train(
      TrainingConfig config,
      ModelSpec spec,
      Kernel kernel,
      Plan plan,
      ReplicaTask task,
      float[] parameters,
      ReplicaState state,
      BooleanSupplier cancelled)
      throws IOException {
    try (SequenceReader sequences = corpus.sequences(TRAIN)) {
      return ReplicaTrainer.runSequences(
          config, spec, kernel, plan, task, parameters, state, sequences, cancelled);
    }
  }

  @Override
  public Optional<Measured> evaluate(
      TrainingConfig config, ModelSpec spec, Kernel kernel, float[] parameters, String split)
      throws IOException {
    if (!canEvaluate(split, config)) {
      return Optional.empty();
    }
    try (SequenceReader sequences = corpus.sequences(split)) {
      SequenceScores scores =
          SequenceEvaluator.evaluate(
              config,
              spec,
              kernel,
              parameters,
              corpus.schema().targetColumns(),
              sequences,
              0,
              SequenceEvaluator.parts(config),
              () -> false);
      return Optional.of(SequenceEvaluator.sum(config, spec, sequences.size(), List.of(scores)));
    }
  }
}
