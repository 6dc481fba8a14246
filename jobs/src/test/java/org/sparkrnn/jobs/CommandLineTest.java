package org.sparkrnn.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands from end to end, each with a Spark of its own on {@code local[2]}. */
@TestInstance(Lifecycle.PER_CLASS)
class CommandLineTest {
  private Path folder;
  private Path text;
  private Path corpus;
  private Path config;

  @BeforeAll
  void tokenize(@TempDir Path directory) throws IOException {
    folder = directory;
    text = SampleText.write(folder.resolve("text.txt"), 20_000, 1);
    corpus = folder.resolve("corpus");
    config =
        Files.writeString(
            folder.resolve("test.conf"),
            """
            corpus.path = "%s"
            model { cell = gru, layers = 1, hidden = 24, embedding = 12 }
            batch { streams = 4, window = 16 }
            optimizer.learning-rate = 0.01
            training { replicas = 2, epochs = 2 }
            round.local-steps = 40
            display.sample-length = 60
            """
                .formatted(corpus));
    CommandRun run =
        CommandRun.of(
            "tokenize",
            "--input",
            "" + text,
            "--unit",
            "char",
            "--output",
            "" + corpus,
            "--split",
            "80,10,10");
    assertThat(run.exitCode()).as(run.error()).isZero();
    assertThat(run.out()).startsWith("Corpus " + corpus + ": train 16,0").contains("valid 2,0");
  }

  @Test
  void trainEvaluateGenerate() throws IOException {
    Path model = folder.resolve("model");

    CommandRun train = train(model);

    assertThat(train.exitCode()).as(train.error()).isZero();
    assertThat(train.out()).contains("Validation loss: ", "A sample:", "Try next:");
    assertThat(train.out())
        .contains("--corpus %s --split test\n".formatted(corpus))
        .contains(" --resume --set training.epochs=4\n");
    assertThat(train.lastLine()).startsWith(model + "/step-");
    assertThat(Path.of(train.lastLine()).resolve("model.safetensors")).exists();

    CommandRun evaluate =
        CommandRun.of(
            "evaluate",
            "--checkpoint",
            "" + model,
            "--corpus",
            "" + corpus,
            "--split",
            "test",
            "--json");
    assertThat(evaluate.exitCode()).as(evaluate.error()).isZero();
    JsonNode json = new ObjectMapper().readTree(evaluate.out());
    assertThat(json.get("streams").asInt()).isEqualTo(1);
    assertThat(json.get("predictions").asLong()).isEqualTo(json.get("tokens").asLong() - 1);
    double nats = json.get("nats_per_token").asDouble();
    assertThat(nats).isBetween(0.1, 2.5);
    assertThat(json.get("perplexity").asDouble()).isEqualTo(StrictMath.exp(nats));
    assertThat(json.get("bits_per_token").asDouble()).isEqualTo(nats / StrictMath.log(2));
    assertThat(json.get("oov_share").asDouble()).isZero();

    CommandRun elsewhere =
        CommandRun.of(
            "evaluate",
            "--checkpoint",
            "" + model,
            "--corpus",
            "" + corpus,
            "--split",
            "test",
            "--json",
            "--set",
            "kernel.precision=bf16",
            "--set",
            "kernel.bf16-emulation=true");
    assertThat(elsewhere.exitCode()).as(elsewhere.error()).isZero();
    assertThat(new ObjectMapper().readTree(elsewhere.out()).get("nats_per_token").asDouble())
        .isNotEqualTo(nats)
        .isCloseTo(nats, within(0.02));

    CommandRun generate = generate(model, "7");
    assertThat(generate.exitCode()).as(generate.error()).isZero();
    assertThat(generate.out()).startsWith("the ").hasSize("the ".length() + 50 + 1);
    assertThat(generate(model, "7").out()).isEqualTo(generate.out());
    assertThat(generate(model, "8").out()).isNotEqualTo(generate.out());
  }

  @Test
  void inspectShowsTheModelAndHowFarGradientsReach() throws IOException {
    Path model = folder.resolve("inspected");
    String[] projected = {
      "--set", "model.cell=lstm",
      "--set", "model.projection=10",
      "--set", "model.layer-normalization=true"
    };
    CommandRun train = train(model, projected);
    assertThat(train.exitCode()).as(train.error()).isZero();

    CommandRun text = inspect(model, "--lags", "20");
    assertThat(text.exitCode()).as(text.error()).isZero();
    assertThat(text.out())
        .contains(
            "24 units projected to 10 with layer normalisation",
            "Layer 0 h: over 20",
            "Layer 0 c: over 19")
        .contains(
            "rnn.weight_hh_l0",
            "[96, 10]",
            "rnn.weight_hr_l0",
            "[10, 24]",
            "rnn.gain_c_l0",
            "[24]");
    assertThat(generate(model, "7").out()).startsWith("the ").hasSize("the ".length() + 50 + 1);

    CommandRun run = inspect(model, "--lags", "20", "--json");
    JsonNode json = new ObjectMapper().readTree(run.out());
    JsonNode norms = json.get("gradient_norms").get(0);
    assertThat(norms).hasSize(21);
    assertThat(norms.get(0).asDouble()).isPositive();
    assertThat(norms.get(20).asDouble()).isPositive().isLessThan(norms.get(0).asDouble());
    assertThat(json.get("cell_gradient_norms").get(0)).hasSize(21);
    assertThat(json.get("blocks").get(0).get("name").asText()).isEqualTo("embedding.weight");

    CommandRun missing = CommandRun.of("inspect", "--checkpoint", "" + model, "--gradient-flow");
    assertThat(missing.exitCode()).isEqualTo(2);
    assertThat(missing.sentence()).isEqualTo("Cannot follow gradients: --corpus is missing");
  }

  private CommandRun inspect(Path model, String... more) {
    List<String> arguments =
        new ArrayList<>(List.of("inspect", "--checkpoint", "" + model, "--corpus", "" + corpus));
    arguments.add("--gradient-flow");
    arguments.addAll(List.of(more));
    return CommandRun.of(arguments.toArray(String[]::new));
  }

  @Test
  void compareTrainsCellsAtEqualParametersAndGoesOnWhereItWas() throws IOException {
    String[] command = {
      "compare",
      "--config",
      "" + config,
      "--output",
      "" + folder.resolve("compared"),
      "--cell",
      "gru",
      "lstm:optimizer.learning-rate=0.02",
      "lstm:model.projection=9",
      "--json"
    };
    CommandRun first = CommandRun.of(command);
    assertThat(first.exitCode()).as(first.error()).isZero();
    List<JsonNode> rows = new ArrayList<>();
    for (String line : (Iterable<String>) first.out().lines()::iterator) {
      rows.add(new ObjectMapper().readTree(line));
    }
    assertThat(rows).hasSize(3);
    long parameters = rows.get(0).get("parameters").asLong();
    assertThat(rows.get(0).get("hidden").asInt()).isEqualTo(24); // the configuration's own
    assertThat(rows.get(1).get("hidden").asInt()).isBetween(18, 23);
    assertThat(rows.get(2).get("hidden").asInt()).isBetween(24, 40); // fewer outputs, more units
    double worst = 0;
    for (JsonNode row : rows) {
      worst = Math.max(worst, row.get("validation_loss_nats").asDouble());
    }
    for (JsonNode row : rows) {
      assertThat(row.get("parameters").asDouble()).isBetween(0.9 * parameters, 1.1 * parameters);
      assertThat(row.get("loss_nats").asDouble()).isEqualTo(worst);
      assertThat(row.get("seconds_to_loss").asDouble())
          .isPositive()
          .isLessThanOrEqualTo(row.get("training_seconds").asDouble());
      assertThat(row.get("tokens_to_loss").asLong()).isPositive();
    }

    CommandRun again = CommandRun.of(command);
    assertThat(again.out()).isEqualTo(first.out());
    checkTable(CommandRun.of(Arrays.copyOf(command, command.length - 1)).out(), rows);
  }

  /** Every column has its title, and what a run reached stands in it. */
  private static void checkTable(String table, List<JsonNode> rows) {
    List<String> lines = table.lines().toList();
    assertThat(lines).hasSize(1 + rows.size());
    assertThat(lines).extracting(String::length).containsOnly(lines.get(0).length());
    assertThat(lines.get(0)).containsPattern("^cell .* time to [0-9.]+ +tokens to [0-9.]+$");
    for (int i = 0; i < rows.size(); i++) {
      long tokens = rows.get(i).get("tokens_to_loss").asLong();
      assertThat(lines.get(i + 1)).endsWith(" %,d".formatted(tokens));
    }
  }

  @Test
  void compareGoesOnAfterACellThatDiverged() {
    CommandRun run =
        CommandRun.of(
            "compare",
            "--config",
            "" + config,
            "--set",
            "training.epochs=1",
            "--output",
            "" + folder.resolve("compared"),
            "--cell",
            "gru:optimizer.kind=sgd,optimizer.learning-rate=1e38",
            "rnn-tanh");
    assertThat(run.exitCode()).as(run.error()).isZero();
    assertThat(run.error()).contains("Cannot go on training: ", "lower optimizer.learning-rate");
    List<String> lines = run.out().lines().toList();
    assertThat(lines).hasSize(3);
    assertThat(lines.get(1))
        .startsWith("gru-optimizer.kind=sgd")
        .contains("diverged")
        .endsWith("not reached");
    assertThat(lines.get(2)).startsWith("rnn-tanh").containsPattern("[0-9]+ s +[0-9,]+$");
  }

  @Test
  void aNightLeavesASummary() throws IOException {
    Path model = folder.resolve("night");

    String until = "" + LocalTime.now(ZoneId.systemDefault()).plusHours(12);
    CommandRun night = train(model, "--resume", "--max-duration", "6h", "--until", until);

    assertThat(night.exitCode()).as(night.error()).isZero();
    assertThat(night.error()).contains("Summary: exit code 0 (all epochs are trained), epoch 2 of");
    JsonNode summary = summary(model);
    assertThat(summary.get("exit_code").asInt()).isZero();
    assertThat(summary.get("checkpoint").asText()).isEqualTo(night.lastLine());
    assertThat(summary.get("step").asLong()).isPositive();
    assertThat(summary.get("tokens_of_this_process").asLong()).isPositive();
    assertThat(summary.get("validation_loss_nats").asDouble()).isBetween(0.1, 2.5);

    CommandRun nextNight = train(model, "--resume", "--max-duration", "6h");

    assertThat(nextNight.exitCode()).as(nextNight.error()).isZero();
    assertThat(nextNight.lastLine()).isEqualTo(night.lastLine());
    assertThat(summary(model).get("tokens_of_this_process").asLong()).isZero();
  }

  @Test
  void aNightTrainsOnWhatTheDayAppendedFromTheNextEpochOn() throws IOException {
    Path growing = folder.resolve("growing");
    Path model = folder.resolve("growing-model");
    String[] tokenize = {"tokenize", "--input", "" + text, "--unit", "char"};
    assertThat(CommandRun.of(with(tokenize, "--output", "" + growing)).exitCode()).isZero();
    String path = "corpus.path=" + growing;
    CommandRun first = train(model, "--resume", "--set", path, "training.max-rounds=1");
    assertThat(first.exitCode()).as(first.error()).isZero();
    assertThat(first.out()).as("there is only a training split").doesNotContain("evaluate");

    CommandRun append = CommandRun.of(with(tokenize, "--append", "--output", "" + growing));
    assertThat(append.exitCode()).as(append.error()).isZero();
    CommandRun second = train(model, "--resume", "--set", path);

    assertThat(second.exitCode()).as(second.error()).isZero();
    assertThat(summary(model).get("epoch").asInt()).isEqualTo(1);
    // The first epoch had about 20 000 tokens, the second twice as many.
    assertThat(summary(model).get("tokens").asLong()).isBetween(59_900L, 60_100L);
  }

  private static String[] with(String[] command, String... more) {
    return Stream.of(command, more).flatMap(Stream::of).toArray(String[]::new);
  }

  @Test
  void theSummaryOfADivergedRunHasItsExitCodeAndSentence() throws IOException {
    Path model = folder.resolve("diverged");

    // Adam moves each weight by the learning rate: finite at first, beyond float after some steps.
    CommandRun run = train(model, "--set", "optimizer.learning-rate=3e37");

    assertThat(run.exitCode()).isEqualTo(3);
    assertThat(summary(model).get("exit_code").asInt()).isEqualTo(3);
    assertThat(run.error()).contains(summary(model).get("reason").asText());
  }

  @Test
  void aRunThatStoppedAndResumedIsTheRunThatNeverStopped() throws IOException {
    Path whole = folder.resolve("whole");
    Path parts = folder.resolve("parts");
    CommandRun uninterrupted = train(whole);
    assertThat(uninterrupted.exitCode()).as(uninterrupted.error()).isZero();

    CommandRun first = train(parts, "--resume", "--set", "training.max-rounds=1");
    CommandRun second = train(parts, "--resume");

    assertThat(first.exitCode()).as(first.error()).isZero();
    assertThat(first.error()).contains("training.max-rounds is reached");
    assertThat(first.out())
        .contains(
            " --set checkpoint.path=%s --resume --set training.max-rounds=2\n".formatted(parts));
    assertThat(second.exitCode()).as(second.error()).isZero();
    Path name = Path.of(uninterrupted.lastLine()).getFileName();
    assertThat(Path.of(second.lastLine()).getFileName()).isEqualTo(name);
    assertThat(parts.resolve(name).resolve("manifest.json"))
        .hasSameBinaryContentAs(whole.resolve(name).resolve("manifest.json"));
  }

  @Test
  void aRunThatEndsBeforeItsFirstRoundDoesSaysWhatWouldHelp() throws IOException {
    Path model = folder.resolve("too-short");
    CommandRun run = train(model, "--max-duration", "1ms");

    assertThat(run.exitCode()).as(run.error()).isEqualTo(2); // a nightly job would repeat it
    assertThat(run.error())
        .contains("within its first round (time limit training.max-duration)")
        .contains("a smaller round.local-steps makes rounds shorter");
    assertThat(run.out()).isEmpty();
    assertThat(summary(model).get("exit_code").asInt()).isEqualTo(2);
  }

  @Test
  void aFolderThatCannotBeMadeIsNamed() {
    CommandRun run =
        CommandRun.of(
            "tokenize", "--input", "" + text, "--unit", "char", "--output", "/proc/none/corpus");

    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.sentence())
        .isEqualTo("Cannot write corpus /proc/none/corpus: /proc/none cannot be created");
  }

  @ParameterizedTest
  @ValueSource(strings = {"locall", "local[x]", "spark:/host:7077", "mesos://host:5050"})
  void aMasterThatSparkDoesNotKnowIsBadInput(String master) {
    String before = System.setProperty("spark.master", master);
    try {
      CommandRun run = train(folder.resolve("no-master"));

      assertThat(run.exitCode()).isEqualTo(2);
      assertThat(run.error().strip())
          .startsWith("Cannot use --master %s: it must be local[N], spark://".formatted(master));
    } finally {
      System.setProperty("spark.master", before);
    }
  }

  @Test
  void trainTokenizesFirstWhenThereIsNoCorpus() throws IOException {
    Path made = folder.resolve("made");

    CommandRun run =
        CommandRun.of(
            "train",
            "--config",
            "" + config,
            "--set",
            "corpus.path=" + made,
            "corpus.input=" + text,
            "corpus.split=80,10,10",
            "checkpoint.path=" + folder.resolve("from-text"),
            "training.max-rounds=1");

    assertThat(run.exitCode()).as(run.error()).isZero();
    assertThat(made.resolve("manifest.json"))
        .hasSameBinaryContentAs(corpus.resolve("manifest.json"));
  }

  @Test
  void warmStartBeginsWithTheParametersOfAnotherRun() {
    CommandRun first = train(folder.resolve("cold"), "--set", "training.max-rounds=2");
    CommandRun second =
        train(
            folder.resolve("warm"),
            "--from",
            first.lastLine(),
            "--set",
            "training.max-rounds=1",
            "--set",
            "optimizer.kind=sgd");

    assertThat(second.exitCode()).as(second.error()).isZero();
    assertThat(folder.resolve("warm")).exists();
  }

  @Test
  void wordsAreTokensToo() {
    Path words = folder.resolve("words");
    CommandRun tokenize =
        CommandRun.of(
            "tokenize",
            "--input",
            "" + text,
            "--unit",
            "word",
            "--output",
            "" + words,
            "--valid",
            "" + text,
            "--test",
            "" + text,
            "--max-vocabulary",
            "12");
    assertThat(tokenize.exitCode()).as(tokenize.error()).isZero();
    assertThat(tokenize.out()).contains("12 kinds of tokens");
    Path model = folder.resolve("word-model");
    CommandRun train = train(model, "--set", "corpus.path=" + words, "--set", "corpus.unit=word");
    assertThat(train.exitCode()).as(train.error()).isZero();

    CommandRun evaluate =
        CommandRun.of(
            "evaluate", "--checkpoint", "" + model, "--corpus", "" + words, "--split", "valid");

    assertThat(evaluate.exitCode()).as(evaluate.error()).isZero();
    assertThat(evaluate.out()).contains("perplexity", "in 4 streams");
  }

  @Test
  void everyCommandExplainsItself() {
    for (String command :
        List.of("tokenize", "train", "evaluate", "generate", "predict", "inspect", "compare")) {
      CommandRun run = CommandRun.of(command, "--help");
      assertThat(run.exitCode()).isZero();
      assertThat(run.out()).contains("Usage: spark-rnn " + command);
    }
    assertThat(CommandRun.of("--help").out()).contains("Exit codes:", "--master");
    assertThat(CommandRun.of("--version").out()).startsWith("spark-rnn ");
  }

  private static JsonNode summary(Path model) throws IOException {
    return new ObjectMapper().readTree(model.resolve("summary.json").toFile());
  }

  private CommandRun train(Path model, String... more) {
    String[] arguments = new String[5 + more.length];
    arguments[0] = "train";
    arguments[1] = "--config";
    arguments[2] = "" + config;
    arguments[3] = "--set";
    arguments[4] = "checkpoint.path=" + model;
    System.arraycopy(more, 0, arguments, 5, more.length);
    return CommandRun.of(arguments);
  }

  private static CommandRun generate(Path model, String seed) {
    return CommandRun.of(
        "generate",
        "--checkpoint",
        "" + model,
        "--prompt",
        "the ",
        "--length",
        "50",
        "--seed",
        seed);
  }
}
