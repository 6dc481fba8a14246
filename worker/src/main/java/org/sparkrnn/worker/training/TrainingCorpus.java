package org.sparkrnn.worker.training;

import java.io.IOException;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.sequences.SequenceCorpus;
import org.sparkrnn.common.sequences.SequenceSchema;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.ModelSchema;
import org.sparkrnn.worker.model.ModelSpec;

/** What a run trains on and is evaluated on. */
public sealed interface TrainingCorpus permits TokenCorpus, SequenceTrainingCorpus {
  String TRAIN = "train";

  /** The corpus in a folder, of the kind that {@code model.task} needs. */
  static TrainingCorpus open(Files files, String path, TrainingConfig config) throws IOException {
    return open(files, path, config.task().isOfSequences());
  }

  private static TrainingCorpus open(Files files, String path, boolean sequences)
      throws IOException {
    return sequences
        ? new SequenceTrainingCorpus(new SequenceCorpus(files, path), path)
        : new TokenCorpus(new CorpusReader(files, path));
  }

  /**
   * As {@link #open}, after a look at which kind is there; tasks of a run need not look again.
   *
   * @throws org.sparkrnn.common.errors.BadInputException if there is no corpus, or none for {@code
   *     model.task}
   */
  static TrainingCorpus openFitting(Files files, String path, TrainingConfig config)
      throws IOException {
    boolean sequences = files.exists(Files.join(path, SequenceSchema.FILE));
    if (sequences != config.task().isOfSequences()) {
      open(files, path, sequences).schema().spec(config); // says which task fits
    }
    return open(files, path, config);
  }

  /** What its numbers mean; read from its files. */
  ModelSchema schema() throws IOException;

  /** Equal as long as its numbers mean the same. */
  String fingerprint();

  /**
   * Tokens or sequences of the training split.
   *
   * @throws org.sparkrnn.common.errors.BadInputException if it has none that these settings can use
   */
  long trainingSize(TrainingConfig config);

  /** Whether a split is there and large enough to be evaluated under these settings. */
  boolean canEvaluate(String split, TrainingConfig config);

  /**
   * Checks that a split is there and can be used under these settings.
   *
   * @throws org.sparkrnn.common.errors.BadInputException if not
   */
  void requireSplit(String split, TrainingConfig config);

  /**
   * Checks that a new model can be trained on it.
   *
   * @throws org.sparkrnn.common.errors.BadInputException if the words are not in the order that the
   *     model needs, or too few
   */
  void requireFit(TrainingConfig config, ModelSpec spec) throws IOException;

  /** Trains one replica for one round; see {@link ReplicaTrainer}. */
  ReplicaResult train(
      TrainingConfig config,
      ModelSpec spec,
      Kernel kernel,
      Plan plan,
      ReplicaTask task,
      float[] parameters,
      ReplicaState state,
      BooleanSupplier cancelled)
      throws IOException;

  /** Evaluates a split in this JVM; empty if it cannot be. */
  Optional<Measured> evaluate(
      TrainingConfig config, ModelSpec spec, Kernel kernel, float[] parameters, String split)
      throws IOException;
}
