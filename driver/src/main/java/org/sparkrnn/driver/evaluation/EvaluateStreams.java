package org.sparkrnn.driver.evaluation;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.CancellationException;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.sparkrnn.common.config.KernelConfig;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.corpus.TokenReader;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
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
    TaskContext context = TaskContext.get();
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
    } catch (CorruptFileException | BadInputException e) {
      return EvaluatedStreams.failed(String.valueOf(e.getMessage()));
    } catch (NoSuchFileException | FileNotFoundException e) {
      return EvaluatedStreams.failed(
          "Cannot evaluate %s: an executor does not see %s".formatted(split, e.getMessage()));
    } catch (CancellationException e) {
      context.killTaskIfInterrupted();
      throw e;
    }
  }
}
