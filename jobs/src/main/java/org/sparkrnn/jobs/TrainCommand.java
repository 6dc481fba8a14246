package org.sparkrnn.jobs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.spark.api.java.JavaSparkContext;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.checkpoint.RunLock;
import org.sparkrnn.common.config.CorpusConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.CorpusManifest;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.cluster.StopRequest;
import org.sparkrnn.driver.cluster.StopSignals;
import org.sparkrnn.driver.metrics.RunSummary;
import org.sparkrnn.driver.rounds.TrainOptions;
import org.sparkrnn.driver.rounds.Trainer;
import org.sparkrnn.driver.rounds.TrainingOutcome;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.driver.tokenize.TokenizeJob;
import org.sparkrnn.driver.tokenize.TokenizeRequest;
import org.sparkrnn.worker.model.Sampling;
import org.sparkrnn.worker.training.TrainingState;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code train}: a corpus and settings to checkpoints. */
@Command(
    name = "train",
    description = "Trains a model, from the text on if there is no corpus yet.",
    mixinStandardHelpOptions = true,
    versionProvider = RootCommand.Version.class)
final class TrainCommand implements Callable<Integer> {
  /** Colder than the model's own distribution: the sample shall show what was learned. */
  private static final Sampling SAMPLING = new Sampling(0.7, 0, 1, 1);

  private final Console console;

  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "Settings; conf/reference.conf lists all with their defaults.")
  private String configFile = "";

  @Option(
      names = "--set",
      arity = "1..*",
      paramLabel = "KEY=VALUE",
      description = "A setting that overrides the file's; repeatable.")
  private List<String> overrides = List.of();

  @Option(
      names = "--resume",
      description = "Go on from the newest checkpoint of checkpoint.path; start if there is none.")
  private boolean resume;

  @Option(
      names = "--from",
      paramLabel = "STEP",
      description = "Start a new run from the parameters of another run or one of its step-N.")
  private Optional<String> from = Optional.empty();

  @Option(
      names = "--max-duration",
      paramLabel = "TIME",
      description = "Stop before it has trained that long, such as 6h; sets training.max-duration.")
  private Optional<String> maxDuration = Optional.empty();

  @Option(
      names = "--until",
      paramLabel = "HH:MM",
      description = "Stop before that time of day, such as 05:30; sets training.until.")
  private Optional<String> until = Optional.empty();

  TrainCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    TrainingConfig config = ConfigFile.load(Session.files(), configFile, settings());
    HadoopFiles files = Session.files(config.spark());
    StopRequest stop = new StopRequest();
    TrainOptions options = new TrainOptions(resume, from, stop);
    boolean hasCorpus = checkBeforeSpark(files, config, options);
    RunSummary summary = new RunSummary();
    TrainingOutcome outcome;
    // Before Spark starts: otherwise a signal would run its shutdown hooks under the round.
    StopSignals signals = StopSignals.install(stop);
    try (signals;
        RunLock lock = Trainer.lock(files, config);
        Progress progress = Progress.of(config.display().progress(), console);
        Session session = Session.start(console, "train", config.spark())) {
      if (!hasCorpus) {
        tokenize(session, config.corpus());
      }
      outcome =
          Trainer.run(
              JavaSparkContext.fromSparkContext(session.spark().sparkContext()),
              config,
              options,
              List.of(summary, progress),
              lock);
    } catch (IOException | RuntimeException e) {
      writeAfterFailure(summary, files, config, e);
      throw e;
    }
    if (outcome.checkpoint().isEmpty()) {
      String sentence =
          "Cannot save anything: the run ended within its first round (%s); a smaller round.local-steps makes rounds shorter"
              .formatted(outcome.reason());
      summary.write(files, config.checkpoint().path(), BadInputException.EXIT_CODE, sentence);
      throw new BadInputException(sentence);
    }
    report(files, config, outcome);
    console.error().println(summary.line(outcome.reason()));
    summary.write(files, config.checkpoint().path(), 0, outcome.reason());
    outcome.checkpoint().ifPresent(console.out()::println);
    return 0;
  }

  /** The summary of a run that failed: not a word on the console, where the failure is told. */
  private static void writeAfterFailure(
      RunSummary summary, HadoopFiles files, TrainingConfig config, Exception failure) {
    ErrorReport report = ErrorReport.of(failure);
    boolean refused = report.exitCode() == BadInputException.EXIT_CODE && !summary.hasTrained();
    if (refused || !summary.hasStarted()) {
      return; // bad input leaves nothing behind
    }
    try {
      summary.write(files, config.checkpoint().path(), report.exitCode(), report.sentence());
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  private List<String> settings() {
    List<String> settings = new ArrayList<>(overrides);
    maxDuration.ifPresent(time -> settings.add("training.max-duration=" + time));
    until.ifPresent(time -> settings.add("training.until=" + time));
    return settings;
  }

  /** Finds out in a second what would otherwise fail after Spark has started. */
  private static boolean checkBeforeSpark(
      HadoopFiles files, TrainingConfig config, TrainOptions options) throws IOException {
    CorpusConfig corpus = config.corpus();
    requireSet("corpus.path", corpus.path());
    requireSet("checkpoint.path", config.checkpoint().path());
    CheckpointStore store = new CheckpointStore(files, config.checkpoint().path());
    if (!options.resume() && !store.steps().isEmpty()) {
      throw new BadInputException(
          "Cannot start a run in %s: it has checkpoints already; add --resume, or set checkpoint.path"
              .formatted(store.path()));
    }
    boolean hasCorpus = CorpusManifest.exists(files, corpus.path());
    if (!hasCorpus && config.task().isOfSequences()) {
      throw new BadInputException(
          "Cannot read corpus %s: there is no %s in it; run tokenize with --format, which corpus.input does not replace"
              .formatted(corpus.path(), CorpusManifest.FILE));
    }
    if (!hasCorpus && corpus.input().isEmpty()) {
      throw new BadInputException(
          "Cannot read corpus %s: there is no %s in it; run tokenize, or set corpus.input"
              .formatted(corpus.path(), CorpusManifest.FILE));
    }
    return hasCorpus;
  }

  private void tokenize(Session session, CorpusConfig corpus) throws IOException {
    console.error().println("Tokenizing " + String.join(", ", corpus.input()));
    TokenizeRequest request =
        TokenizeRequest.builder(corpus.input(), corpus.unit(), corpus.path())
            .splitPercent(corpus.splitPercent())
            .minCount(corpus.minCount())
            .maxVocabulary(corpus.maxVocabulary())
            .build();
    TokenizeCommand.print(
        console.error(), corpus.path(), TokenizeJob.run(session.spark(), request));
  }

  private void report(HadoopFiles files, TrainingConfig config, TrainingOutcome outcome)
      throws IOException {
    TrainingState state = outcome.state();
    if (config.task().isOfSequences()) {
      reportSequences(files, config, state);
      return;
    }
    if (state.bestStep() > 0) {
      println(
          "Validation loss: %.4f nats per token (perplexity %.2f), the best, at step %d of %d",
          state.bestLoss(), StrictMath.exp(state.bestLoss()), state.bestStep(), state.step());
    }
    String run = config.checkpoint().path();
    if (config.display().sampleLength() > 0) {
      String prompt = config.display().samplePrompt();
      String sample =
          SavedModel.open(console, files, run, kernelSettings(config))
              .write(prompt, config.display().sampleLength(), SAMPLING);
      println("%nA sample:%n%n%s%n", sample);
    }
    printNext(files, config, state);
  }

  private void reportSequences(HadoopFiles files, TrainingConfig config, TrainingState state)
      throws IOException {
    if (state.bestStep() > 0) {
      println(
          "Validation loss: %.4f, the best, at step %d of %d",
          state.bestLoss(), state.bestStep(), state.step());
    }
    printNext(files, config, state);
  }

  private void printNext(HadoopFiles files, TrainingConfig config, TrainingState state)
      throws IOException {
    println("Try next:");
    List<String> limits = new ArrayList<>();
    maxDuration.ifPresent(time -> limits.add("--max-duration " + time));
    until.ifPresent(time -> limits.add("--until " + time));
    NextCommands commands = new NextCommands(configFile, overrides, limits);
    for (String command : commands.after(files, config, state)) {
      println("  %s", command);
    }
  }

  private static void requireSet(String key, String value) {
    if (value.isEmpty()) {
      throw new BadInputException("Cannot train: %s is not set".formatted(key));
    }
  }

  private static List<String> kernelSettings(TrainingConfig config) {
    return List.of(
        "kernel.choice=" + config.kernel().choice().name().toLowerCase(Locale.ROOT),
        "kernel.isa=" + config.kernel().isa().name().toLowerCase(Locale.ROOT),
        "kernel.bf16-emulation=" + config.kernel().bf16Emulation());
  }

  private void println(String format, Object... arguments) {
    console.out().println(String.format(Locale.ROOT, format, arguments));
  }
}
