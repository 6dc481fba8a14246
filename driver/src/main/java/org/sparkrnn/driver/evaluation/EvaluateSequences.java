package org.sparkrnn.driver.evaluation;

import java.io.IOException;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.sequences.SequenceCorpus;
import org.sparkrnn.common.sequences.SequenceReader;
import org.sparkrnn.driver.messages.FloatVector;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.SequenceEvaluator;

/** The task that evaluates a group of neighbouring parts of a split of sequences. */
final class EvaluateSequences implements Function<Integer, EvaluatedSequences> {
  private static final long serialVersionUID = 1;

  private final HadoopFiles files;
  private final String corpusPath;
  private final String split;
  private final TrainingConfig config;
  private final ModelSpec spec;
  private final int groups;
  private final Broadcast<FloatVector> parameters;

  EvaluateSequences(
      HadoopFiles files,
      String corpusPath,
      String split,
      TrainingConfig config,
      ModelSpec spec,
      int groups,
      Broadcast<FloatVector> parameters) {
    this.files = files;
    this.corpusPath = corpusPath;
    this.split = split;
    this.config = config;
    this.spec = spec;
    this.groups = groups;
    this.parameters = parameters;
  }

  @Override
  public EvaluatedSequences call(Integer group) throws IOException {
    int parts = SequenceEvaluator.parts(config);
    int first = (int) ((long) parts * group / groups);
    int end = (int) ((long) parts * (group + 1) / groups);
    return EvaluationJob.guarded(
        split, context -> evaluate(first, end, context), EvaluatedSequences::failed);
  }

  private EvaluatedSequences evaluate(int first, int end, TaskContext context) throws IOException {
    SequenceCorpus corpus = new SequenceCorpus(files, corpusPath);
    try (SequenceReader sequences = corpus.sequences(split)) {
      return EvaluatedSequences.of(
          SequenceEvaluator.evaluate(
              config,
              spec,
              Kernel.create(config.kernel()),
              parameters.value().values(),
              corpus.schema().targetColumns(),
              sequences,
              first,
              end - first,
              context::isInterrupted));
    }
  }
}
