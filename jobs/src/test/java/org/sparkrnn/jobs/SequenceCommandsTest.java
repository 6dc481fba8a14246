package org.sparkrnn.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** From files with labels, tags and numbers to predictions, as a user types it. */
@Timeout(300)
class SequenceCommandsTest {
  @TempDir Path folder;

  private CommandRun run(String... arguments) {
    return CommandRun.of(arguments);
  }

  private String tokenize(String text, String... more) throws IOException {
    Path input = Files.writeString(folder.resolve("input"), text);
    String corpus = folder.resolve("corpus").toString();
    List<String> arguments =
        new ArrayList<>(List.of("tokenize", "--input", "" + input, "--output", corpus));
    arguments.addAll(List.of(more));
    CommandRun run = run(arguments.toArray(new String[0]));
    assertThat(run.exitCode()).as(run.error()).isZero();
    return run.out();
  }

  private String train(String task, String... more) throws IOException {
    Path config =
        Files.writeString(
            folder.resolve("test.conf"),
            """
            corpus.path = "%s"
            model { task = %s, bidirectional = concat, layers = 1, hidden = 12, embedding = 8 }
            batch { streams = 8, window = 12 }
            optimizer.learning-rate = 0.02
            training { replicas = 2, epochs = 6 }
            round.local-steps = 20
            """
                .formatted(folder.resolve("corpus"), task));
    String model = folder.resolve("model").toString();
    List<String> command =
        new ArrayList<>(
            List.of("train", "--config", "" + config, "--set", "checkpoint.path=" + model));
    for (String setting : more) {
      command.addAll(List.of("--set", setting));
    }
    CommandRun run = run(command.toArray(new String[0]));
    assertThat(run.exitCode()).as(run.error()).isZero();
    assertThat(run.out()).contains("Validation loss: ", "predict --checkpoint");
    return model;
  }

  private JsonNode evaluate(String model) throws IOException {
    CommandRun run =
        run(
            "evaluate",
            "--checkpoint",
            model,
            "--corpus",
            "" + folder.resolve("corpus"),
            "--split",
            "valid",
            "--json");
    assertThat(run.exitCode()).as(run.error()).isZero();
    return new ObjectMapper().readTree(run.out());
  }

  private String predict(String model, String input) throws IOException {
    Path file = Files.writeString(folder.resolve("new"), input);
    CommandRun run = run("predict", "--checkpoint", model, "--input", "" + file);
    assertThat(run.exitCode()).as(run.error()).isZero();
    return run.out();
  }

  @Test
  void labelledLines() throws IOException {
    Random random = new Random(1);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 300; i++) {
      boolean good = random.nextBoolean();
      text.append(good ? "good\t" : "bad\t").append("aabb".substring(random.nextInt(3)));
      text.append(good ? "x" : "y").append("ab".substring(random.nextInt(2))).append('\n');
    }
    assertThat(
            tokenize(
                text.toString(), "--format", "labelled", "--unit", "char", "--split", "80,20,0"))
        .containsSubsequence("train 240 of up to", "valid 60 of", "2 labels");
    Path vectors = Files.writeString(folder.resolve("vectors.txt"), "x 1 0 0 1\ny 0 1 1 0\n");
    String model =
        train(
            "classification",
            "model.layers=2",
            "model.residual=true",
            "model.embedding=4",
            "model.pretrained-embeddings=" + vectors,
            "model.frozen-embedding=true");
    CommandRun wrong =
        run(
            "train",
            "--config",
            "" + folder.resolve("test.conf"),
            "--set",
            "checkpoint.path=" + folder.resolve("wrong"),
            "--set",
            "model.task=language-model",
            "--set",
            "model.bidirectional=none");
    assertThat(wrong.exitCode()).isEqualTo(2);
    assertThat(wrong.error())
        .contains("Cannot use model.task = language-model on sequences of")
        .contains("set model.task = classification");
    JsonNode json = evaluate(model);
    assertThat(json.get("accuracy").asDouble()).isGreaterThan(0.9);
    assertThat(json.get("majority_accuracy").asDouble()).isLessThan(0.7);
    assertThat(run("inspect", "--checkpoint", model).out())
        .contains("2 layers of 12 units in both directions with residual", "rounds of 2 replicas");
    List<String> lines = predict(model, "aaxb\nbyb\n").lines().toList();
    assertThat(lines).hasSize(2);
    assertThat(lines.get(0)).startsWith("good\t");
    assertThat(lines.get(1)).startsWith("bad\t");
    CommandRun generate = run("generate", "--checkpoint", model, "--prompt", "a", "--length", "5");
    assertThat(generate.exitCode()).isEqualTo(2);
    assertThat(generate.error()).contains("it is a model of sequences of");
  }

  @Test
  void taggedColumns() throws IOException {
    Random random = new Random(2);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 150; i++) {
      for (int t = 0; t <= random.nextInt(5); t++) {
        int word = random.nextInt(6);
        text.append("w").append(word).append(' ').append(word % 2 == 0 ? "E" : "O").append('\n');
      }
      text.append('\n');
    }
    tokenize(text.toString(), "--format", "tagged", "--split", "80,20,0");
    String model =
        train(
            "tagging",
            "model.layers=2",
            "model.hidden=12,16",
            "model.dropout-kind=variational",
            "model.dropout=0.1",
            "model.word-dropout=0.05");
    assertThat(evaluate(model).get("accuracy").asDouble()).isGreaterThan(0.95);
    assertThat(predict(model, "w0 w1 w2\n\nw5\n")).isEqualTo("E O E\n\nO\n");
    CommandRun table =
        run(
            "evaluate",
            "--checkpoint",
            model,
            "--corpus",
            "" + folder.resolve("corpus"),
            "--split",
            "valid");
    assertThat(table.out())
        .contains("accuracy", "macro F1", "most frequent tag in training: 100.00 %");
  }

  @Test
  void tablesOfNumbers() throws IOException {
    StringBuilder text = new StringBuilder("day,x,y\n");
    for (int i = 0; i < 240; i++) {
      text.append(i).append(',').append(100 + 10 * Math.sin(i * Math.PI / 4)).append(',');
      text.append(i % 4).append('\n');
    }
    tokenize(
        text.toString(),
        "--format",
        "numbers",
        "--columns",
        "x,y",
        "--targets",
        "x",
        "--history",
        "8",
        "--horizon",
        "2",
        "--split",
        "80,20,0");
    String model = train("regression");
    JsonNode json = evaluate(model);
    assertThat(json.get("mean_squared_error").asDouble())
        .isLessThan(0.2 * json.get("naive_mean_squared_error").asDouble());
    List<String> lines = predict(model, text.toString()).lines().toList();
    assertThat(lines).hasSize(3);
    assertThat(run("inspect", "--checkpoint", model).out())
        .contains(" sequences in ", "validation  loss ")
        .doesNotContain("nats");
    assertThat(lines.get(0)).isEqualTo("step,x");
    double next = Double.parseDouble(lines.get(1).substring(2));
    assertThat(next).isBetween(94.0, 106.0); // sin(240·π/4) is 0
    compare();
  }

  /** Cells are compared on sequences as on text. */
  private void compare() throws IOException {
    CommandRun run =
        run(
            "compare",
            "--config",
            "" + folder.resolve("test.conf"),
            "--set",
            "training.epochs=1",
            "--cell",
            "rnn-tanh",
            "gru",
            "--output",
            "" + folder.resolve("compared"),
            "--json");
    assertThat(run.exitCode()).as(run.error()).isZero();
    List<JsonNode> rows = new ArrayList<>();
    for (String line : (Iterable<String>) run.out().lines()::iterator) {
      rows.add(new ObjectMapper().readTree(line));
    }
    assertThat(rows).extracting(row -> row.get("cell").asText()).containsExactly("rnn-tanh", "gru");
    double parameters = rows.get(1).get("parameters").asDouble();
    assertThat(rows.get(0).get("parameters").asDouble())
        .isBetween(0.9 * parameters, 1.1 * parameters);
    assertThat(rows)
        .allSatisfy(row -> assertThat(row.get("validation_loss_nats").asDouble()).isPositive());
  }
}
