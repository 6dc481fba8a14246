package org.sparkrnn.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.stream.Stream;
import org.apache.spark.launcher.JavaModuleOptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkrnn.common.config.TrainingConfig;

/** The files outside the source folders that users start from. */
class ShippedFilesTest {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  @TestFactory
  Stream<DynamicTest> everyConfigurationLoadsAndNamesItsFolders() throws IOException {
    List<Path> files;
    try (Stream<Path> entries = Files.list(ROOT.resolve("conf"))) {
      files =
          entries
              .filter(file -> file.toString().endsWith(".conf"))
              .filter(file -> !file.endsWith("reference.conf"))
              .toList();
    }
    assertThat(files).hasSizeGreaterThanOrEqualTo(7);
    return files.stream()
        .map(
            file ->
                DynamicTest.dynamicTest(
                    String.valueOf(file.getFileName()),
                    () -> {
                      TrainingConfig config = TrainingConfig.load(file, List.of());
                      assertThat(config.corpus().path()).startsWith("runs/");
                      assertThat(config.checkpoint().path()).startsWith("runs/");
                    }));
  }

  @Test
  void quickstartReadsFilesOfThisRepository() {
    TrainingConfig config = TrainingConfig.load(ROOT.resolve("conf/quickstart.conf"), List.of());

    assertThat(config.corpus().input()).isNotEmpty();
    assertThat(config.corpus().input()).allSatisfy(path -> assertThat(ROOT.resolve(path)).exists());
    assertThat(config.training().replicas()).isEqualTo(2);
  }

  @Test
  void launcherOpensTheModulesThatSparkNeeds() throws IOException {
    String options;
    try (InputStream in = Main.class.getResourceAsStream("/spark-java.options")) {
      options = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    }
    List<String> needed =
        Arrays.stream(JavaModuleOptions.defaultModuleOptions().split(" "))
            .filter(option -> option.startsWith("--add-opens"))
            .toList();

    assertThat(options.split("\\s+")).containsAll(needed);
  }

  /** Spark logs them with stack traces, which a user would take for a failure. */
  @ParameterizedTest
  @CsvSource({
    "inbox, org.apache.spark.rpc.netty.Inbox",
    "taskcontext, org.apache.spark.TaskContextImpl",
    "executor, org.apache.spark.executor.Executor",
    "tasks, org.apache.spark.scheduler.TaskSetManager"
  })
  void errorsThatSparkGetsOverAreNoNews(String logger, String type) throws Exception {
    Properties logging = new Properties();
    try (InputStream in = Files.newInputStream(ROOT.resolve("conf/log4j2.properties"))) {
      logging.load(in);
    }

    assertThat(logging.getProperty("logger.%s.name".formatted(logger))).isEqualTo(type);
    assertThat(Class.forName(type)).as("Spark has it").isNotNull();
    assertThat(logging.getProperty("logger.%s.level".formatted(logger)))
        .isEqualTo("${sys:sparkrnn.task.log.level:-off}");
  }

  @Test
  void readmeBeginsWithTheTwoCommands() throws IOException {
    String readme = Files.readString(ROOT.resolve("README.md"));
    int begin = readme.indexOf("```sh\n") + "```sh\n".length();

    assertThat(readme.substring(begin, readme.indexOf("```", begin)))
        .isEqualTo("bin/spark-rnn train --config conf/quickstart.conf\nmvn verify\n");
  }
}
