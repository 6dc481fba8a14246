package org.sparkrnn.jobs;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.worker.model.Sampling;
import org.sparkrnn.worker.model.TextGenerator;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code generate}: a text that a model writes. Runs in this JVM, without Spark. */
@Command(
    name = "generate",
    description = "Writes text with a trained model; prints the prompt and what follows it.",
    mixinStandardHelpOptions = true,
    versionProvider = RootCommand.Version.class)
final class GenerateCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private CheckpointOptions checkpoint = new CheckpointOptions();

  @Option(
      names = "--prompt",
      required = true,
      paramLabel = "TEXT",
      description = "What the text begins with; empty for the beginning of a line.")
  private String prompt = "";

  @Option(
      names = "--length",
      required = true,
      paramLabel = "N",
      description = "Tokens to write after it.")
  private int length;

  @Option(
      names = "--temperature",
      paramLabel = "F",
      defaultValue = "1",
      description =
          "Below 1 more likely tokens, 0 always the likeliest (default: ${DEFAULT-VALUE}).")
  private double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "N",
      defaultValue = "0",
      description = "Choose among the N likeliest tokens (default: ${DEFAULT-VALUE}, all).")
  private int topK;

  @Option(
      names = "--top-p",
      paramLabel = "F",
      defaultValue = "1",
      description =
          "Choose among the likeliest tokens of that total probability (default: ${DEFAULT-VALUE}).")
  private double topP;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "The same seed writes the same text (default: ${DEFAULT-VALUE}).")
  private long seed;

  GenerateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (length < 1) {
      throw new BadInputException("Cannot generate: --length must be positive, got " + length);
    }
    Sampling sampling = new Sampling(temperature, topK, topP, seed);
    SavedModel model = checkpoint.open(console, Session.files());
    console.out().println(model.write(prompt, length, sampling));
    List<String> unknown = TextGenerator.unknown(model.checkpoint().vocabulary(), prompt);
    if (!unknown.isEmpty()) {
      console
          .error()
          .println("Not in the model's vocabulary, read as unknown: " + String.join(" ", unknown));
    }
    return 0;
  }
}
