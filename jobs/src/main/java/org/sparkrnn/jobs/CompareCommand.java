package org.sparkrnn.jobs;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.spark.api.java.JavaSparkContext;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.DivergedException;
import org.sparkrnn.common.storage.Json;
import org.sparkrnn.driver.cluster.StopRequest;
import org.sparkrnn.driver.cluster.StopSignals;
import org.sparkrnn.driver.rounds.TrainOptions;
import org.sparkrnn.driver.rounds.Trainer;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.model.ModelSchema;
import org.sparkrnn.worker.training.Plan;
import org.sparkrnn.worker.training.TrainingCorpus;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code compare}: several cells on one corpus at equal parameters, one after the other. */
@Command(
    name = "compare",
    description = {
      "Trains several cells on one corpus with equal settings and an equal number of parameters, and"
          + " prints what each reached. Stopped, it goes on where it was.",
    },
    mixinStandardHelpOptions = true,
    versionProvider = RootCommand.Version.class)
final class CompareCommand implements Callable<Integer> {
  private final Console console;

  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "Settings that all share; the corpus must be there.")
  private String configFile = "";

  @Option(
      names = "--set",
      arity = "1..*",
      paramLabel = "KEY=VALUE",
      description = "A setting that overrides the file's; repeatable.")
  private List<String> overrides = List.of();

  @Option(
      names = "--cell",
      required = true,
      arity = "1..*",
      paramLabel = "CELL[:KEY=VALUE,...]",
      description = "A value of model.cell, with settings of its own; repeatable.")
  private List<String> cells = List.of();

  @Option(
      names = "--output",
      required = true,
      paramLabel = "FOLDER",
      description = "Holds a run for each.")
  private String output = "";

  @Option(
      names = "--parameters",
      paramLabel = "N",
      description = "Parameters to come close to (default: those of the configuration).")
  private Optional<Long> parameters = Optional.empty();

  @Option(
      names = "--loss",
      paramLabel = "LOSS",
      description = "Validation loss to measure the time to (default: the best that all reached).")
  private Optional<Double> loss = Optional.empty();

  @Option(names = "--json", description = "Print one JSON object per cell.")
  private boolean json;

  CompareCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    HadoopFiles files = Session.files();
    TrainingConfig shared = ConfigFile.load(files, configFile, overrides);
    ModelSchema schema = TrainingCorpus.openFitting(files, shared.corpus().path(), shared).schema();
    long wished = parameters.orElseGet(() -> (long) schema.spec(shared).layout().size());
    Map<String, TrainingConfig> runs = new LinkedHashMap<>();
    for (String text : cells) {
      ComparedCell cell = ComparedCell.parse(text);
      TrainingConfig config = cell.config(files, configFile, overrides, output, schema, wished);
      if (runs.put(cell.name(), config) != null) {
        throw new BadInputException("Cannot compare %s with itself".formatted(text));
      }
    }
    List<ComparisonRow> rows = new ArrayList<>();
    StopRequest stop = new StopRequest();
    StopSignals signals = StopSignals.install(stop);
    try (signals;
        Session session = Session.start(console, "compare", shared.spark())) {
      JavaSparkContext context = JavaSparkContext.fromSparkContext(session.spark().sparkContext());
      for (Map.Entry<String, TrainingConfig> run : runs.entrySet()) {
        TrainingConfig config = run.getValue();
        console.error().println("Training " + run.getKey());
        boolean diverged = false;
        try (Progress progress = Progress.of(config.display().progress(), console)) {
          TrainOptions options = new TrainOptions(true, Optional.empty(), stop);
          if (!Trainer.run(context, config, options, List.of(progress)).finished()) {
            console.error().println("Stopped; the same command goes on");
            return 0;
          }
        } catch (DivergedException failure) { // which is what it has to show
          console.error().println(failure.getMessage());
          diverged = true;
        }
        rows.add(ComparisonRow.of(run.getKey(), files, config, schema.spec(config), diverged));
      }
    }
    print(rows, Plan.Unit.ofTask(shared.task()));
    return 0;
  }

  private void print(List<ComparisonRow> rows, Plan.Unit unit) {
    double target =
        loss.orElseGet(
            () ->
                rows.stream()
                    .mapToDouble(ComparisonRow::bestLoss)
                    .filter(Double::isFinite)
                    .max()
                    .orElse(Double.NaN));
    if (json) {
      rows.forEach(row -> console.out().println(Json.line(row.fields(target))));
      return;
    }
    int width = rows.stream().mapToInt(row -> row.name().length()).max().orElse(0);
    String columns = "%-" + Math.max(width, 4) + "s %7s %12s %13s %16s %10s %16s %20s";
    println(
        columns,
        "cell",
        "units",
        "parameters",
        unit.measured() + "/s",
        "validation loss",
        "training",
        "time to " + significant(target),
        unit.word() + " to " + significant(target));
    for (ComparisonRow row : rows) {
      Optional<ComparisonRow.Evaluated> first = row.firstAt(target);
      println(
          columns,
          row.name(),
          "%,d".formatted(row.hidden()),
          "%,d".formatted(row.parameters()),
          "%,.0f".formatted(row.tokensPerSecond()),
          significant(row.bestLoss()),
          row.diverged() ? "diverged" : "%,.0f s".formatted(row.trainingSeconds()),
          first.map(at -> "%,.0f s".formatted(at.seconds())).orElse("not reached"),
          first.map(at -> "%,d".formatted(at.tokens())).orElse("not reached"));
    }
  }

  /** Five digits, of small numbers too: squared errors of 0.00005 are worth comparing. */
  private static String significant(double loss) {
    return Double.isFinite(loss)
        ? new BigDecimal(loss, new MathContext(5)).stripTrailingZeros().toPlainString()
        : "-"; // nothing was evaluated
  }

  private void println(String format, Object... arguments) {
    console.out().println(String.format(Locale.ROOT, format, arguments));
  }
}
