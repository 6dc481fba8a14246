package org.sparkrnn.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;

/**
 * Bad input: an exit code that is not 0, one sentence that names the culprit, and nothing created,
 * changed or removed.
 */
@TestInstance(Lifecycle.PER_CLASS)
class BadInputTest {
  private Path folder;
  private Path text;
  private Path corpus;
  private Path model;
  private Path config;

  @BeforeAll
  void trainAModel(@TempDir Path directory) throws IOException {
    folder = directory;
    text = SampleText.write(folder.resolve("text.txt"), 8_000, 2);
    corpus = folder.resolve("corpus");
    model = folder.resolve("model");
    config =
        Files.writeString(
            folder.resolve("test.conf"),
            """
            corpus.path = "%s"
            model { layers = 1, hidden = 8, embedding = 4 }
            batch { streams = 2, window = 8 }
            training { replicas = 2, epochs = 3 }
            display.sample-length = 0
            """
                .formatted(corpus));
    assertThat(tokenize("" + text, corpus).exitCode()).isZero();
    CommandRun run = train("checkpoint.path=" + model, "training.max-rounds=1");
    assertThat(run.exitCode()).as(run.error()).isZero();
  }

  // --- tokenize

  @Test
  void missingInput() throws IOException {
    refused(
        2,
        "nowhere.txt",
        "tokenize",
        "--input",
        "" + folder.resolve("nowhere.txt"),
        "--unit",
        "char",
        "--output",
        "" + folder.resolve("new"));
  }

  @Test
  void emptyInput() throws IOException {
    Path empty = Files.writeString(folder.resolve("empty.txt"), "");
    refused(
        2,
        "empty.txt",
        "tokenize",
        "--input",
        "" + empty,
        "--unit",
        "char",
        "--output",
        "" + folder.resolve("new"));
  }

  @Test
  void invalidUtf8() throws IOException {
    Path bad = Files.write(folder.resolve("bad.txt"), new byte[] {'a', 'b', (byte) 0xFF, 'c'});
    refused(
        2,
        "bad.txt",
        "tokenize",
        "--input",
        "" + bad,
        "--unit",
        "char",
        "--output",
        "" + folder.resolve("new"));
  }

  @Test
  void existingCorpus() throws IOException {
    refused(
        2,
        "" + corpus,
        "tokenize",
        "--input",
        "" + text,
        "--unit",
        "char",
        "--output",
        "" + corpus);
  }

  @Test
  void aFileWhereAFolderMustBe() throws IOException {
    refused(
        2,
        "" + text,
        "tokenize",
        "--input",
        "" + text,
        "--unit",
        "char",
        "--output",
        text + "/corpus");
  }

  @Test
  void splitThatIsNone() throws IOException {
    refused(
        2,
        "--split",
        "tokenize",
        "--input",
        "" + text,
        "--unit",
        "char",
        "--output",
        "" + folder.resolve("new"),
        "--split",
        "90,20");
  }

  // --- train

  @Test
  void missingConfiguration() throws IOException {
    refused(2, "missing.conf", "train", "--config", "" + folder.resolve("missing.conf"));
  }

  @Test
  void missingCorpus() throws IOException {
    refusedTraining("no-corpus", "corpus.path=" + folder.resolve("no-corpus"));
  }

  @Test
  void missingInputOfTraining() throws IOException {
    refusedTraining(
        "no-text",
        "corpus.path=" + folder.resolve("new"),
        "corpus.input=" + folder.resolve("no-text"));
  }

  @Test
  void corpusTooShort() throws IOException {
    refusedTraining("batch.streams", "batch.streams=100000");
  }

  @Test
  void unknownSettingOffersTheNearest() throws IOException {
    CommandRun run = refusedTraining("model.hiden", "model.hiden=3");
    assertThat(run.sentence()).contains("did you mean model.hidden?");
  }

  @Test
  void valueOutOfRange() throws IOException {
    refusedTraining("batch.window", "batch.window=0");
  }

  @Test
  void valueThatIsNoNumber() throws IOException {
    refusedTraining("optimizer.learning-rate", "optimizer.learning-rate=fast");
  }

  @Test
  void existingRun() throws IOException {
    CommandRun run = refused(2, "" + model, trainArguments("checkpoint.path=" + model));
    assertThat(run.sentence()).contains("--resume");
  }

  @Test
  void anotherArchitectureOnResume() throws IOException {
    CommandRun run =
        refused(2, "model.hidden", resumeArguments("checkpoint.path=" + model, "model.hidden=16"));
    assertThat(run.sentence()).contains("16").contains("8");
  }

  @Test
  void anotherArchitectureToStartFrom() throws IOException {
    List<String> arguments =
        new ArrayList<>(
            List.of(trainArguments("checkpoint.path=" + folder.resolve("new"), "model.hidden=16")));
    arguments.addAll(List.of("--from", "" + model));
    refused(2, "" + model, arguments.toArray(String[]::new));
  }

  @Test
  void anotherVocabulary() throws IOException {
    Path other = otherCorpus();
    refused(2, "vocabulary", resumeArguments("checkpoint.path=" + model, "corpus.path=" + other));
    refused(
        2,
        "vocabulary",
        "evaluate",
        "--checkpoint",
        "" + model,
        "--corpus",
        "" + other,
        "--split",
        "valid");
  }

  @Test
  void checkpointFolderUnderAFile() throws IOException {
    refusedTraining("" + text, "checkpoint.path=" + text + "/model");
  }

  /**
   * A device that refuses every byte; permissions cannot be tested the same way, root ignores them.
   */
  @Test
  void noSpaceLeft() throws Exception {
    Path full = Files.createDirectory(folder.resolve("full"));
    assumeThat(command("mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", "" + full))
        .as("exit code of mounting a small disk, which only root may")
        .isZero();
    try {
      Files.write(full.resolve("filler"), new byte[4096]);
      CommandRun run = refused(2, full + "/lock.json", trainArguments("checkpoint.path=" + full));
      assertThat(run.sentence()).contains("No space left on device");
      assertThat(run.error()).doesNotContain("Starting Spark");
    } finally {
      command("umount", "" + full);
    }
  }

  private static int command(String... words) throws IOException, InterruptedException {
    return new ProcessBuilder(words).redirectErrorStream(true).start().waitFor();
  }

  @Test
  void damagedShard() throws IOException {
    Path damaged = copy(corpus, folder.resolve("damaged-corpus"));
    Path shard = onlyShard(damaged.resolve("train"));
    flipByte(shard, Files.size(shard) / 2);
    CommandRun run =
        refused(
            2,
            "" + shard,
            trainArguments("corpus.path=" + damaged, "checkpoint.path=" + folder.resolve("new")));
    assertThat(run.sentence()).contains("byte");
  }

  @Test
  void sparkSettingThatComesTooLate() throws IOException {
    refusedTraining("spark.driver.memory", "spark.driver.memory=8g");
  }

  // --- evaluate and generate

  @Test
  void missingCheckpoint() throws IOException {
    refused(
        2,
        "no-model",
        "generate",
        "--checkpoint",
        "" + folder.resolve("no-model"),
        "--prompt",
        "a",
        "--length",
        "5");
  }

  @Test
  void damagedCheckpoint() throws IOException {
    Path damaged = copy(model, folder.resolve("damaged-model"));
    Path step = firstWithPrefix(damaged, "step-");
    Path file = step.resolve("model.safetensors");
    flipByte(file, Files.size(file) - 5);
    CommandRun run =
        refused(
            2,
            "model.safetensors",
            "evaluate",
            "--checkpoint",
            "" + step,
            "--corpus",
            "" + corpus,
            "--split",
            "valid");
    assertThat(run.sentence()).contains("SHA-256");
    refused(2, "model.safetensors", resumeArguments("checkpoint.path=" + damaged));
  }

  @Test
  void missingSplit() throws IOException {
    CommandRun run =
        refused(
            2,
            "tset",
            "evaluate",
            "--checkpoint",
            "" + model,
            "--corpus",
            "" + corpus,
            "--split",
            "tset");
    assertThat(run.sentence()).contains("valid");
  }

  @Test
  void promptOutsideTheVocabulary() throws IOException {
    refused(2, "U+4E2D", "generate", "--checkpoint", "" + model, "--prompt", "中", "--length", "5");
  }

  @Test
  void semanticSettingOfACheckpoint() throws IOException {
    refused(
        2,
        "model.hidden",
        "generate",
        "--checkpoint",
        "" + model,
        "--prompt",
        "a",
        "--length",
        "5",
        "--set",
        "model.hidden=9");
  }

  @Test
  void impossibleSampling() throws IOException {
    refused(
        2,
        "Cannot generate: --top-p must be above 0",
        "generate",
        "--checkpoint",
        "" + model,
        "--prompt",
        "a",
        "--length",
        "5",
        "--top-p",
        "0");
    refused(
        2, "--length", "generate", "--checkpoint", "" + model, "--prompt", "a", "--length", "0");
  }

  // --- the command line itself

  @Test
  void unknownCommandOffersTheNearest() throws IOException {
    assertThat(refused(2, "tokenise", "tokenise").sentence()).contains("did you mean tokenize?");
  }

  @Test
  void unknownOption() throws IOException {
    refused(2, "--chekpoint", "generate", "--chekpoint", "x");
  }

  @Test
  void missingOption() throws IOException {
    refused(2, "--config", "train");
  }

  // --- the cluster

  @Test
  void aMasterThatIsNotThere() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    refusedBy("spark://127.0.0.1:" + port);
  }

  /** Takes a minute: three times Spark's twenty seconds, which are no setting. */
  @Test
  void aMasterThatTakesConnectionsButNeverAnswers() throws IOException {
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      CommandRun run = refusedBy("spark://127.0.0.1:" + silent.getLocalPort());
      assertThat(run.sentence()).contains("did not accept the application within a minute");
    }
  }

  private CommandRun refusedBy(String master) throws IOException {
    String before = System.setProperty("spark.master", master);
    try {
      return refused(4, master, trainArguments("checkpoint.path=" + folder.resolve("new")));
    } finally {
      System.setProperty("spark.master", before);
    }
  }

  private CommandRun refusedTraining(String culprit, String... settings) throws IOException {
    List<String> all = new ArrayList<>(List.of("checkpoint.path=" + folder.resolve("new-model")));
    all.addAll(List.of(settings));
    return refused(2, culprit, trainArguments(all.toArray(String[]::new)));
  }

  private CommandRun refused(int exitCode, String culprit, String... arguments) throws IOException {
    FolderContent before = FolderContent.of(folder);

    CommandRun run = CommandRun.of(arguments);

    assertThat(run.exitCode()).as(run.error()).isEqualTo(exitCode);
    assertThat(run.sentence()).contains(culprit).doesNotContain("Exception");
    assertThat(run.sentence().lines()).hasSize(1);
    assertThat(run.out()).isEmpty();
    FolderContent after = FolderContent.of(folder);
    assertThat(after.files().keySet()).isEqualTo(before.files().keySet());
    assertThat(after).isEqualTo(before);
    return run;
  }

  private CommandRun train(String... settings) {
    return CommandRun.of(trainArguments(settings));
  }

  private String[] trainArguments(String... settings) {
    List<String> arguments = new ArrayList<>(List.of("train", "--config", "" + config));
    for (String setting : settings) {
      arguments.addAll(List.of("--set", setting));
    }
    return arguments.toArray(String[]::new);
  }

  private String[] resumeArguments(String... settings) {
    List<String> arguments = new ArrayList<>(List.of(trainArguments(settings)));
    arguments.add("--resume");
    return arguments.toArray(String[]::new);
  }

  private static CommandRun tokenize(String input, Path output) {
    return CommandRun.of(
        "tokenize",
        "--input",
        input,
        "--unit",
        "char",
        "--output",
        "" + output,
        "--split",
        "80,10,10");
  }

  private Path otherCorpus() throws IOException {
    Path other = folder.resolve("other-corpus");
    if (!Files.exists(other)) {
      Path numbers = Files.writeString(folder.resolve("numbers.txt"), "0123456789".repeat(400));
      CommandRun run = tokenize("" + numbers, other);
      assertThat(run.exitCode()).as(run.error()).isZero();
    }
    return other;
  }

  private static Path copy(Path from, Path to) throws IOException {
    try (Stream<Path> paths = Files.walk(from)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        Files.copy(path, to.resolve(from.relativize(path)));
      }
    }
    return to;
  }

  private static Path onlyShard(Path split) throws IOException {
    return firstWithPrefix(split, "shard-");
  }

  private static Path firstWithPrefix(Path directory, String prefix) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries
          .filter(path -> ("" + path.getFileName()).startsWith(prefix))
          .findFirst()
          .orElseThrow();
    }
  }

  private static void flipByte(Path file, long offset) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[(int) offset] ^= 1;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(java.nio.ByteBuffer.wrap(bytes));
    }
  }
}
