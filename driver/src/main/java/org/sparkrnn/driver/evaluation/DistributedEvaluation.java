package org.sparkrnn.driver.evaluation;

import java.io.IOException;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.sparkrnn.common.config.KernelConfig;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.cluster.JobWatch;
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
    EvaluationJob job = new EvaluationJob(context, watch, split);
    int groups = job.groups(streams);
    List<StreamLosses> losses =
        job
            .run(
                parameters,
                groups,
                streams + " streams",
                sent ->
                    new EvaluateStreams(
                        files, corpusPath, split, kernel, spec, streams, groups, unknown, sent))
            .stream()
            .map(EvaluatedStreams::losses)
            .toList();
    return Evaluation.of(tokens, streams, losses);
  }
}
