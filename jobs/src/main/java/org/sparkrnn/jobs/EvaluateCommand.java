package org.sparkrnn.jobs;

import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.spark.api.java.JavaSparkContext;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.storage.Json;
import org.sparkrnn.driver.cluster.JobWatch;
import org.sparkrnn.driver.cluster.StopRequest;
import org.sparkrnn.driver.evaluation.DistributedEvaluation;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.training.Evaluation;
import org.sparkrnn.worker.training.Evaluator;
import org.sparkrnn.worker.training.TrainingCheckpoint;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code evaluate}: the loss of a checkpoint on a split of a corpus. */
@Command(
    name = "evaluate",
    description = "Measures a checkpoint on a split of a corpus.",
    mixinStandardHelpOptions = true,
    versionProvider = RootCommand.Version.class)
final class EvaluateCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private CheckpointOptions checkpoint = new CheckpointOptions();

  @Option(names = "--corpus", required = true, paramLabel = "CORPUS", description = "Its corpus.")
  private String corpus = "";

  @Option(
      names = "--split",
      required = true,
      paramLabel = "valid|test",
      description = "Which part of it.")
  private String split = "";

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  EvaluateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    HadoopFiles files = Session.files();
    SavedModel model = checkpoint.open(console, files);
    TrainingCheckpoint saved = model.checkpoint();
    CorpusReader reader = new CorpusReader(files, corpus);
    saved.requireVocabulary(reader.vocabulary());
    reader.manifest().split(split);
    float[] parameters = saved.parameters();
    int streams = Evaluator.streams(model.config(), split);
    try (Session session = Session.start(console, "evaluate", model.config().spark())) {
      JobWatch watch =
          new JobWatch(
              new StopRequest(),
              model.config().round().timeout(),
              model.config().training().stopGrace());
      Evaluation evaluation =
          new DistributedEvaluation(
                  new JavaSparkContext(session.spark().sparkContext()),
                  files,
                  files.absolute(corpus),
                  model.config().kernel(),
                  saved.spec(),
                  watch)
              .evaluate(parameters, split, streams);
      console.out().println(json ? Json.line(evaluation.fields()) : text(saved, evaluation));
    }
    return 0;
  }

  private String text(TrainingCheckpoint saved, Evaluation evaluation) {
    return String.format(
        Locale.ROOT,
        """
        %s on %s of %s
          tokens          %,d in %,d %s, %,d predictions
          nats per token  %.4f
          bits per token  %.4f
          perplexity      %.3f
          unknown         %.2f %%""",
        saved.checkpoint().path(),
        split,
        corpus,
        evaluation.tokens(),
        evaluation.streams(),
        evaluation.streams() == 1 ? "stream" : "streams",
        evaluation.predictions(),
        evaluation.natsPerToken(),
        evaluation.bitsPerToken(),
        evaluation.perplexity(),
        100 * evaluation.oovShare());
  }
}
