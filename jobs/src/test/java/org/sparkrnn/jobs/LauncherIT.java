package org.sparkrnn.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** bin/spark-rnn as a user's shell runs it: a process of its own, on the assembled jar. */
class LauncherIT {
  @TempDir Path folder;
  private Launcher launcher;

  @BeforeEach
  void launchInTheFolder() {
    launcher = new Launcher(folder);
  }

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

  @ParameterizedTest
  @ValueSource(strings = {"TERM", "HUP"}) // HUP is a terminal that was closed
  void aSignalEndsTrainingWithACheckpoint(String signal) throws Exception {
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

    assertThat(new ProcessBuilder("kill", "-" + signal, "" + process.pid()).start().waitFor())
        .isZero();
    CommandRun run = finished(process);

    assertThat(run.exitCode()).as(run.error()).isZero();
    assertThat(run.error()).contains("Summary: exit code 0 (SIG" + signal + ")");
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
    CommandRun yarn = finished(start(List.of("--master", "yarn"), "train"));
    assertThat(yarn.exitCode()).isEqualTo(2);
    assertThat(yarn.error()).startsWith("Cannot use --master yarn: Maven's Spark has no classes");
    assertThat(finished(start(List.of("--conf", "x"), "train")).error().strip())
        .startsWith("Cannot use --conf x");
    assertThat(finished(start(List.of("--conf"))).exitCode()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({
    "spark-core_2.12-3.5.6, needs a Spark built for Scala 2.13",
    "spark-core_2.13-3.4.4, needs Spark 4 or 3.5"
  })
  void anotherSparkIsRefused(String core, String reason) throws Exception {
    Path home = folder.resolve("spark");
    Files.createDirectories(home.resolve("jars"));
    Files.createFile(home.resolve("jars").resolve(core + ".jar"));
    Path submit =
        Files.createFile(Files.createDirectories(home.resolve("bin")).resolve("spark-submit"));
    assertThat(submit.toFile().setExecutable(true)).isTrue();
    ProcessBuilder builder = launcher.builder(List.of(), "train");
    builder.environment().put("SPARK_HOME", "" + home);

    CommandRun run = finished(builder.start());

    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.sentence()).startsWith("Cannot use SPARK_HOME=").contains(core, reason);
    assertThat(run.sentence().lines()).hasSize(1);
  }

  @Test
  void theJarCarriesNothingThatSparkProvides() throws IOException {
    try (JarFile jar = new JarFile(Launcher.ROOT.resolve("jobs/target/spark-rnn.jar").toFile())) {
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
    Path classes = Launcher.ROOT.resolve("worker/target/classes");
    try (Stream<Path> files = Files.walk(classes)) {
      return libraries(files.map(file -> classes.relativize(file).toString()));
    }
  }

  private static Set<String> libraries(Stream<String> names) {
    return names.filter(name -> name.endsWith(".so")).collect(Collectors.toSet());
  }

  private CommandRun launch(String... arguments) throws Exception {
    return launcher.run(arguments);
  }

  private Process start(List<String> launcherOptions, String... arguments) throws IOException {
    return launcher.builder(launcherOptions, arguments).start();
  }

  private CommandRun finished(Process process) throws Exception {
    return launcher.finished(process);
  }
}
