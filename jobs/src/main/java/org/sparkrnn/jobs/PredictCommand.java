package org.sparkrnn.jobs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.sequences.SequenceSchema;
import org.sparkrnn.driver.sequences.Lines;
import org.sparkrnn.driver.sequences.SequenceTokenizer;
import org.sparkrnn.driver.sequences.SeriesTable;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.SequencePredictor;
import org.sparkrnn.worker.training.TrainingCheckpoint;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code predict}: what a model of sequences makes of new ones. Runs in this JVM, without Spark.
 */
@Command(
    name = "predict",
    description = {
      "Predicts with a model of sequences, one line of output for each of input.",
      "classification: label, tab, its probability. tagging: the tags of the line's words, separated by"
          + " spaces. regression: the input is a table like the training's; its last rows are continued, a"
          + " line for each step ahead, in the table's own units."
    },
    mixinStandardHelpOptions = true,
    versionProvider = RootCommand.Version.class)
final class PredictCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private CheckpointOptions checkpoint = new CheckpointOptions();

  @Option(
      names = "--input",
      paramLabel = "FILE",
      description = "Lines of text, or a table; standard input without it.")
  private String input = "";

  PredictCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    HadoopFiles files = Session.files();
    SavedModel model = checkpoint.open(console, files);
    TrainingCheckpoint saved = model.checkpoint();
    Task task = saved.spec().task().task();
    if (task == Task.LANGUAGE_MODEL) {
      throw new BadInputException(
          "Cannot predict with %s: it is a language model; use generate"
              .formatted(saved.checkpoint().path()));
    }
    try (Lines lines =
            input.isEmpty()
                ? Lines.of(System.in, "standard input")
                : Lines.open(files, files.absolute(input));
        SequencePredictor predictor =
            new SequencePredictor(
                model.config(),
                saved.spec(),
                Kernel.create(model.config().kernel()),
                saved.parameters())) {
      if (task == Task.REGRESSION) {
        continueTable(saved, lines, predictor);
      } else {
        lines.forEach(line -> console.out().println(classes(saved, lines, line, predictor)));
      }
    }
    return 0;
  }

  private static String classes(
      TrainingCheckpoint saved, Lines lines, String line, SequencePredictor predictor)
      throws IOException {
    List<String> names = saved.schema().sequences().names();
    int[] tokens = SequenceTokenizer.encode(saved.vocabulary(), line);
    boolean tagging = saved.spec().task().task() == Task.TAGGING;
    if (tokens.length == 0) {
      if (tagging) {
        return "";
      }
      throw lines.wrong("it is empty");
    }
    float[] logits = predictor.predict(tokens);
    if (!tagging) {
      double[] probabilities = SequencePredictor.probabilities(logits);
      int largest = SequencePredictor.largest(logits, 0, names.size());
      return String.format(Locale.ROOT, "%s\t%.4f", names.get(largest), probabilities[largest]);
    }
    List<String> tags = new ArrayList<>();
    for (int t = 0; t < tokens.length; t++) {
      tags.add(names.get(SequencePredictor.largest(logits, t * names.size(), names.size())));
    }
    return String.join(" ", tags);
  }

  private void continueTable(TrainingCheckpoint saved, Lines lines, SequencePredictor predictor)
      throws IOException {
    ModelSpec spec = saved.spec();
    SequenceSchema schema = saved.schema().sequences();
    List<double[]> rows = SeriesTable.rows(lines, saved.vocabulary().tokens());
    int steps = Math.min(rows.size(), saved.config().batch().window());
    if (steps == 0) {
      throw lines.wrong("there are no rows to continue");
    }
    float[] values = new float[steps * spec.vocabulary()];
    for (int i = 0; i < values.length; i++) {
      int column = i % spec.vocabulary();
      double[] row = rows.get(rows.size() - steps + i / spec.vocabulary());
      values[i] = schema.scales().get(column).apply(row[column]);
    }
    float[] outputs = predictor.predict(values);
    int width = schema.names().size();
    console.out().println("step," + String.join(",", schema.names()));
    for (int step = 0; step < schema.horizon(); step++) {
      StringBuilder line = new StringBuilder().append(step + 1);
      for (int j = 0; j < width; j++) {
        int output = step * width + j;
        double value = schema.targetScale(output).undo(outputs[output]);
        line.append(',').append(String.format(Locale.ROOT, "%.6g", value));
      }
      console.out().println(line);
    }
  }
}
