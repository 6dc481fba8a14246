package org.sparkrnn.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** bin/spark-rnn as a user's shell runs it: a process of its own, on the assembled jar. */
class LauncherIT {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final long LIMIT_SECONDS = 300;

  @TempDir Path folder;

  @Test
  void tokenizeTrainResumeEvaluateGenerate() throws Exception {
    Path text = SampleText.write(folder.resolve("text.txt"), 12_000, 3);
    Path config =
        Files.writeString(
            folder.resolve("test.conf"),
            """
            corpus.path = corpus
            checkpoint.path = model
            model { layers = 1, hidden = 16, embedding = 8 }
            batch { streams = 4, window = 16 }
            training { replicas = 2, epochs = 2 }
            round.local-steps = 30
            display.sample-length = 20
            """);

    CommandRun tokenize =
        launch(
            "tokenize",
            "--input",
            "" + text,
            "--unit",
            "char",
            "--output",
            "corpus",
            "--split",
            "80,10,10");
    CommandRun train = launch("train", "--config", "" + config, "--set", "training.max-rounds=1");
    CommandRun resume = launch("train", "--config", "" + config, "--resume");
    CommandRun evaluate =
        launch(
            "evaluate", "--checkpoint", "model", "--corpus", "corpus", "--split", "test", "--json");
    CommandRun generate =
        launch("generate", "--checkpoint", "model", "--prompt", "Zoë", "--length", "30");

    assertThat(List.of(tokenize, train, resume, evaluate, generate))
        .allSatisfy(run -> assertThat(run.exitCode()).as(run.error()).isZero());
    // What is not ours stays off the terminal: no log lines, no stack traces.
    assertThat(List.of(tokenize, train, resume, evaluate, generate))
        .allSatisfy(run -> assertThat(run.error()).doesNotContain("INFO", "WARN", "\tat "));
    assertThat(resume.error()).contains("resuming at local step");
    assertThat(folder.resolve(resume.lastLine()).resolve("manifest.json")).exists();
    assertThat(evaluate.out()).startsWith("{").contains("\"nats_per_token\"");
    assertThat(generate.out()).startsWith("Zoë");
  }

  @Test
  void badInputEndsWithExitCodeTwo() throws Exception {
    CommandRun run = launch("train", "--config", "nowhere.conf");

    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.error().strip())
        .isEqualTo("Cannot read configuration nowhere.conf: there is no such file");
  }

  @Test
  void aSignalEndsTrainingWithACheckpoint() throws Exception {
    Path text = SampleText.write(folder.resolve("text.txt"), 20_000, 5);
    Path config =
        Files.writeString(
            folder.resolve("endless.conf"),
            """
            corpus { path = corpus, input = ["%s"] }
            checkpoint.path = model
            model { layers = 1, hidden = 16, embedding = 8 }
            batch { streams = 4, window = 16 }
            training.epochs = 100000
            round.local-steps = 10
            display { sample-length = 0, progress = plain }
            """
                .formatted(text));
    Process process = start(List.of(), "train", "--config", "" + config);
    Path error = folder.resolve("stderr");
    for (int i = 0; i < 600 && !Files.readString(error).contains("round 3"); i++) {
      Thread.sleep(100);
    }

    process.destroy(); // SIGTERM
    CommandRun run = finished(process);

    assertThat(run.exitCode()).as(run.error()).isZero();
    assertThat(run.error()).contains("Summary: exit code 0 (SIGTERM)");
    assertThat(folder.resolve("model/summary.json")).content().contains("\"exit_code\" : 0");
    assertThat(folder.resolve(run.lastLine()).resolve("manifest.json")).exists();
  }

  @Test
  void aMasterThatDoesNotAnswerEndsWithExitCodeFour() throws Exception {
    Path text = SampleText.write(folder.resolve("text.txt"), 1_000, 6);

    CommandRun run =
        finished(
            start(
                List.of("--master", "spark://127.0.0.1:1"),
                "tokenize",
                "--input",
                "" + text,
                "--unit",
                "char",
                "--output",
                "new"));

    assertThat(run.exitCode()).isEqualTo(4);
    assertThat(run.error().strip()).startsWith("Cannot reach the master spark://127.0.0.1:1");
    assertThat(folder.resolve("new")).doesNotExist();
  }

  @Test
  void optionsOfTheLauncherAreChecked() throws Exception {
    assertThat(finished(start(List.of("--master", "foo"), "train")).error().strip())
        .startsWith("Cannot use --master foo");
    assertThat(finished(start(List.of("--conf", "x"), "train")).error().strip())
        .startsWith("Cannot use --conf x");
    assertThat(finished(start(List.of("--conf"))).exitCode()).isEqualTo(2);
  }

  @Test
  void anotherSparkIsRefused() throws Exception {
    Path home = folder.resolve("spark-3");
    Files.createDirectories(home.resolve("jars"));
    Files.createFile(home.resolve("jars/spark-core_2.12-3.5.1.jar"));
    Path submit =
        Files.createFile(Files.createDirectories(home.resolve("bin")).resolve("spark-submit"));
    assertThat(submit.toFile().setExecutable(true)).isTrue();
    ProcessBuilder builder = builder(List.of(), "train");
    builder.environment().put("SPARK_HOME", "" + home);

    CommandRun run = finished(builder.start());

    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.error()).contains("spark-core_2.12-3.5.1", "Spark 4 for Scala 2.13");
  }

  @Test
  void theJarCarriesNothingThatSparkProvides() throws IOException {
    try (JarFile jar = new JarFile(ROOT.resolve("jobs/target/spark-rnn.jar").toFile())) {
      List<String> foreign =
          jar.stream()
              .map(entry -> entry.getName())
              .filter(name -> name.endsWith(".class") && !name.startsWith("org/sparkrnn/"))
              .toList();
      assertThat(foreign).isEmpty();
      assertThat(libraries(jar.stream().map(entry -> entry.getName())))
          .isNotEmpty()
          .isEqualTo(librariesThatWereBuilt());
      assertThat(jar.getManifest().getMainAttributes().getValue("Main-Class"))
          .isEqualTo("org.sparkrnn.jobs.Main");
    }
  }

  private static Set<String> librariesThatWereBuilt() throws IOException {
    Path classes = ROOT.resolve("worker/target/classes");
    try (Stream<Path> files = Files.walk(classes)) {
      return libraries(files.map(file -> classes.relativize(file).toString()));
    }
  }

  private static Set<String> libraries(Stream<String> names) {
    return names.filter(name -> name.endsWith(".so")).collect(Collectors.toSet());
  }

  private CommandRun launch(String... arguments) throws Exception {
    return finished(
        start(List.of("--master", "local[2]", "--conf", "spark.ui.enabled=false"), arguments));
  }

  private Process start(List<String> launcherOptions, String... arguments) throws IOException {
    return builder(launcherOptions, arguments).start();
  }

  private ProcessBuilder builder(List<String> launcherOptions, String... arguments) {
    List<String> command = new ArrayList<>(List.of(ROOT.resolve("bin/spark-rnn").toString()));
    command.addAll(launcherOptions);
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.directory(folder.toFile());
    builder.environment().keySet().removeAll(List.of("SPARK_HOME", "SPARK_DRIVER_MEMORY"));
    builder.redirectOutput(folder.resolve("stdout").toFile());
    builder.redirectError(folder.resolve("stderr").toFile());
    return builder;
  }

  private CommandRun finished(Process process) throws Exception {
    if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
    assertThat(process.isAlive()).isFalse();
    return new CommandRun(
        process.waitFor(),
        Files.readString(folder.resolve("stdout"), StandardCharsets.UTF_8),
        Files.readString(folder.resolve("stderr"), StandardCharsets.UTF_8));
  }
}
