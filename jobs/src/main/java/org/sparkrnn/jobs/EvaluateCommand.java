package org.sparkrnn.jobs;

import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.spark.api.java.JavaSparkContext;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.common.sequences.SequenceCorpus;
import org.sparkrnn.common.sequences.SequenceReader;
import org.sparkrnn.common.storage.Json;
import org.sparkrnn.driver.cluster.JobWatch;
import org.sparkrnn.driver.cluster.StopRequest;
import org.sparkrnn.driver.evaluation.CorpusEvaluation;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.training.Evaluation;
import org.sparkrnn.worker.training.Measured;
import org.sparkrnn.worker.training.SequenceEvaluation;
import org.sparkrnn.worker.training.TagTable;
import org.sparkrnn.worker.training.TrainingCheckpoint;
import org.sparkrnn.worker.training.TrainingCorpus;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code evaluate}: how good a checkpoint is on a split of a corpus. */
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
    TrainingCorpus data = TrainingCorpus.openFitting(files, corpus, model.config());
    saved.requireSchema(data.schema());
    data.requireSplit(split, model.config());
    float[] parameters = saved.parameters();
    try (Session session = Session.start(console, "evaluate", model.config().spark())) {
      JobWatch watch =
          new JobWatch(
              new StopRequest(),
              model.config().round().timeout(),
              model.config().training().stopGrace());
      Measured measured =
          new CorpusEvaluation(
                  new JavaSparkContext(session.spark().sparkContext()),
                  files,
                  files.absolute(corpus),
                  model.config(),
                  saved.spec(),
                  watch)
              .evaluate(parameters, split);
      console.out().println(json ? Json.line(measured.fields()) : text(files, saved, measured));
    }
    return 0;
  }

  private String text(HadoopFiles files, TrainingCheckpoint saved, Measured measured)
      throws IOException {
    if (measured instanceof Evaluation evaluation) {
      return text(saved, evaluation);
    }
    String title = "%s on %s of %s%n".formatted(saved.checkpoint().path(), split, corpus);
    String table = measured instanceof SequenceEvaluation of ? of.table() : measured.summary();
    return title + table + floor(files, saved);
  }

  /** For tags: what a table of each word's most frequent tag reaches, the first thing to beat. */
  private String floor(HadoopFiles files, TrainingCheckpoint saved) throws IOException {
    if (saved.spec().task().task() != Task.TAGGING) {
      return "";
    }
    SequenceCorpus sequences = new SequenceCorpus(files, corpus);
    if (!sequences.manifest().splits().containsKey(TrainingCorpus.TRAIN)) {
      return "";
    }
    try (SequenceReader train = sequences.sequences(TrainingCorpus.TRAIN);
        SequenceReader evaluated = sequences.sequences(split)) {
      double accuracy = TagTable.accuracy(saved.spec(), train, evaluated);
      return String.format(
          Locale.ROOT, "%n  each word's most frequent tag in training: %.2f %%", 100 * accuracy);
    }
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
