package org.sparkrnn.driver.evaluation;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.sparkrnn.common.config.KernelConfig;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.cluster.ClusterFailures;
import org.sparkrnn.driver.cluster.JobWatch;
import org.sparkrnn.driver.messages.FloatVector;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.Evaluation;
import org.sparkrnn.worker.training.Evaluator;
import org.sparkrnn.worker.training.StreamLosses;

/**
 * The loss of a model on a split, computed by the cluster. A task takes some neighbouring streams
 * side by side, which does not change a bit of any; their sums are added in stream order, so the
 * result does not depend on the cluster.
 */
public final class DistributedEvaluation {
  private final JavaSparkContext context;
  private final HadoopFiles files;
  private final String corpusPath;
  private final KernelConfig kernel;
  private final ModelSpec spec;
  private final JobWatch watch;

  public DistributedEvaluation(
      JavaSparkContext context,
      HadoopFiles files,
      String corpusPath,
      KernelConfig kernel,
      ModelSpec spec,
      JobWatch watch) {
    this.context = context;
    this.files = files;
    this.corpusPath = corpusPath;
    this.kernel = kernel;
    this.spec = spec;
    this.watch = watch;
  }

  /**
   * Evaluates these parameters, which nobody may change meanwhile.
   *
   * @throws BadInputException if the split is missing, damaged or has nothing to predict
   */
  public Evaluation evaluate(float[] parameters, String split, int streams) throws IOException {
    CorpusReader corpus = new CorpusReader(files, corpusPath);
    long tokens = corpus.manifest().split(split).tokens();
    if (tokens <= streams) {
      throw new BadInputException(
          ("Cannot evaluate split %s of %s: %d tokens in %d streams leave"
                  + " nothing to predict; lower evaluation.streams")
              .formatted(split, corpusPath, tokens, streams));
    }
    int unknown = corpus.vocabulary().unknown().orElse(Evaluator.NO_UNKNOWN);
    int groups = Math.min(streams, Math.max(1, context.defaultParallelism()));
    String name = "evaluation of " + split;
    Optional<Broadcast<FloatVector>> broadcast = Optional.empty();
    try {
      Broadcast<FloatVector> sent = context.broadcast(new FloatVector(parameters));
      broadcast = Optional.of(sent);
      context.setJobGroup("spark-rnn " + name, name + " in " + streams + " streams", false);
      EvaluateStreams task =
          new EvaluateStreams(
              files, corpusPath, split, kernel, spec, streams, groups, unknown, sent);
      List<EvaluatedStreams> parts =
          watch.await(
              "finish the " + name,
              context
                  .parallelize(IntStream.range(0, groups).boxed().toList(), groups)
                  .map(task)
                  .collectAsync());
      List<StreamLosses> losses = new ArrayList<>();
      for (EvaluatedStreams part : parts) {
        part.failureSentence()
            .ifPresent(
                sentence -> {
                  throw new BadInputException(sentence);
                });
        losses.add(part.losses());
      }
      return Evaluation.of(tokens, streams, losses);
    } catch (IllegalStateException e) {
      throw ClusterFailures.ofContext("finish the " + name, context, e);
    } finally {
      context.clearJobGroup();
      if (!context.sc().isStopped()) {
        broadcast.ifPresent(Broadcast::destroy);
      }
    }
  }
}
