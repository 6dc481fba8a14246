package org.sparkrnn.driver.evaluation;

import java.io.IOException;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.sequences.SequenceCorpus;
import org.sparkrnn.driver.cluster.JobWatch;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.Evaluator;
import org.sparkrnn.worker.training.Measured;
import org.sparkrnn.worker.training.SequenceEvaluation;
import org.sparkrnn.worker.training.SequenceEvaluator;
import org.sparkrnn.worker.training.SequenceScores;

/**
 * How good a model is on a split, computed by the cluster: of a language model by streams, of a
 * model of sequences by parts. The result does not depend on the cluster.
 */
public final class CorpusEvaluation {
  private final JavaSparkContext context;
  private final HadoopFiles files;
  private final String corpusPath;
  private final TrainingConfig config;
  private final ModelSpec spec;
  private final JobWatch watch;

  public CorpusEvaluation(
      JavaSparkContext context,
      HadoopFiles files,
      String corpusPath,
      TrainingConfig config,
      ModelSpec spec,
      JobWatch watch) {
    this.context = context;
    this.files = files;
    this.corpusPath = corpusPath;
    this.config = config;
    this.spec = spec;
    this.watch = watch;
  }

  /**
   * Evaluates these parameters, which nobody may change meanwhile.
   *
   * @throws BadInputException if the split is missing, damaged or has nothing to predict
   */
  public Measured evaluate(float[] parameters, String split) throws IOException {
    return config.task().isOfSequences()
        ? evaluateSequences(parameters, split)
        : new DistributedEvaluation(context, files, corpusPath, config.kernel(), spec, watch)
            .evaluate(parameters, split, Evaluator.streams(config, split));
  }

  /** As {@link #evaluate}, of a model of sequences. */
  public SequenceEvaluation evaluateSequences(float[] parameters, String split) throws IOException {
    long size = new SequenceCorpus(files, corpusPath).manifest().split(split).sequences();
    if (size == 0) {
      throw new BadInputException(
          "Cannot evaluate split %s of %s: it has no sequences".formatted(split, corpusPath));
    }
    EvaluationJob job = new EvaluationJob(context, watch, split);
    int parts = SequenceEvaluator.parts(config);
    int groups = job.groups(parts);
    List<SequenceScores> scores =
        job
            .run(
                parameters,
                groups,
                parts + " parts",
                sent -> new EvaluateSequences(files, corpusPath, split, config, spec, groups, sent))
            .stream()
            .map(EvaluatedSequences::scores)
            .toList();
    return SequenceEvaluator.sum(config, spec, size, scores);
  }
}
