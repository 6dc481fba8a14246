package org.sparkrnn.driver.evaluation;

import java.io.IOException;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.sparkrnn.common.config.KernelConfig;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.corpus.TokenReader;
import org.sparkrnn.driver.messages.FloatVector;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.Evaluator;

/** The task that evaluates a group of neighbouring streams. */
final class EvaluateStreams implements Function<Integer, EvaluatedStreams> {
  private static final long serialVersionUID = 1;

  private final HadoopFiles files;
  private final String corpusPath;
  private final String split;
  private final KernelConfig kernel;
  private final ModelSpec spec;
  private final int streams;
  private final int groups;
  private final int unknownToken;
  private final Broadcast<FloatVector> parameters;

  EvaluateStreams(
      HadoopFiles files,
      String corpusPath,
      String split,
      KernelConfig kernel,
      ModelSpec spec,
      int streams,
      int groups,
      int unknownToken,
      Broadcast<FloatVector> parameters) {
    this.files = files;
    this.corpusPath = corpusPath;
    this.split = split;
    this.kernel = kernel;
    this.spec = spec;
    this.streams = streams;
    this.groups = groups;
    this.unknownToken = unknownToken;
    this.parameters = parameters;
  }

  @Override
  public EvaluatedStreams call(Integer group) throws IOException {
    int first = (int) ((long) streams * group / groups);
    int end = (int) ((long) streams * (group + 1) / groups);
    return EvaluationJob.guarded(
        split, context -> evaluate(first, end, context), EvaluatedStreams::failed);
  }

  private EvaluatedStreams evaluate(int first, int end, TaskContext context) throws IOException {
    try (TokenReader tokens = new CorpusReader(files, corpusPath).tokens(split)) {
      return EvaluatedStreams.of(
          Evaluator.evaluateStreams(
              spec,
              Kernel.create(kernel),
              parameters.value().values(),
              tokens::read,
              tokens.tokens(),
              streams,
              first,
              end - first,
              unknownToken,
              context::isInterrupted));
    }
  }
}
