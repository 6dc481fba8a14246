package org.sparkrnn.worker.training;

import java.io.IOException;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.corpus.TokenReader;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.ModelSchema;
import org.sparkrnn.worker.model.ModelSpec;

/** Streams of tokens, for language models. */
record TokenCorpus(CorpusReader reader) implements TrainingCorpus {

  @Override
  public ModelSchema schema() throws IOException {
    return ModelSchema.of(reader.vocabulary());
  }

  @Override
  public String fingerprint() {
    return reader.manifest().vocabularyFingerprint();
  }

  @Override
  public long trainingSize(TrainingConfig config) {
    return reader.manifest().split(TRAIN).tokens();
  }

  @Override
  public boolean canEvaluate(String split, TrainingConfig config) {
    return reader.manifest().splits().containsKey(split)
        && reader.manifest().split(split).tokens() > Evaluator.streams(config, split);
  }

  @Override
  public void requireSplit(String split, TrainingConfig config) {
    reader.manifest().split(split);
  }

  @Override
  public void requireFit(TrainingConfig config, ModelSpec spec) throws IOException {
    if (spec.softmax().isSampled()) {
      requireSampleSize(config, spec);
    }
    try (TokenReader tokens = reader.tokens(TRAIN)) {
      FrequencyOrder.require(spec, tokens::read, tokens.tokens());
    }
  }

  /** All words of a window, and so few of all that they are soon drawn. */
  private static void requireSampleSize(TrainingConfig config, ModelSpec spec) {
    int samples = spec.softmax().softmaxSamples();
    long positions = (long) config.mostStreams() * Windows.of(config).longest();
    if (samples < positions || samples > spec.vocabulary() / 2) {
      throw new BadInputException(
          ("Cannot use model.softmax-samples = %d: it must be at least %d, the positions of a window, and at most %d,"
                  + " half of the vocabulary; lower batch.streams or batch.window, or set model.softmax = full")
              .formatted(samples, positions, spec.vocabulary() / 2));
    }
  }

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
    try (TokenReader tokens = reader.tokens(TRAIN)) {
      return ReplicaTrainer.run(
          config, spec, kernel, plan, task, parameters, state, tokens::read, cancelled);
    }
  }

  @Override
  public Optional<Measured> evaluate(
      TrainingConfig config, ModelSpec spec, Kernel kernel, float[] parameters, String split)
      throws IOException {
    if (!canEvaluate(split, config)) {
      return Optional.empty();
    }
    int streams = Evaluator.streams(config, split);
    int unknown = reader.vocabulary().unknown().orElse(Evaluator.NO_UNKNOWN);
    try (TokenReader tokens = reader.tokens(split)) {
      return Optional.of(
          Evaluator.evaluate(
              spec, kernel, parameters, tokens::read, tokens.tokens(), streams, streams, unknown));
    }
  }
}
