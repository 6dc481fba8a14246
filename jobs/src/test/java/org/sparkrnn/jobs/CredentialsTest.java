package org.sparkrnn.jobs;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.WriterAppender;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.logging.log4j.core.layout.PatternLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is secret in Spark's settings stays out of all that a training writes and says. */
class CredentialsTest {
  private static final String CANARY = "canary-7f3a";

  @TempDir Path folder;

  @Test
  void noLogManifestOrEventFileHoldsACredential() throws IOException {
    Path text = SampleText.write(folder.resolve("text.txt"), 3_000, 1);
    Path events = Files.createDirectories(folder.resolve("events"));
    Path config =
        Files.writeString(
            Files.createDirectories(folder.resolve("private")).resolve("secret.conf"),
            """
            corpus { path = "%s", input = ["%s"], unit = char }
            checkpoint.path = "%s"
            model { layers = 1, hidden = 8, embedding = 4 }
            batch { streams = 2, window = 8 }
            training.max-rounds = 2
            round.local-steps = 5
            display.sample-length = 0
            spark {
              "eventLog.enabled" : true
              "eventLog.dir" : "%s"
              "eventLog.compress" : false
              "logConf" : true
              "hadoop.fs.s3a.secret.key" : %s
              "hadoop.fs.azure.account.key.lake" : %s
              "hadoop.fs.azure.sas.box.lake" : %s
              "hadoop.some.credential" : %s
            }
            """
                .formatted(
                    folder.resolve("corpus"),
                    text,
                    folder.resolve("run"),
                    events.toUri(),
                    CANARY,
                    CANARY,
                    CANARY,
                    CANARY));
    StringWriter log = new StringWriter();
    CommandRun run = loggingTo(log, config);
    assertThat(run.exitCode()).as(run.error()).isZero();
    assertThat(run.out()).contains("--set spark.hadoop.fs.s3a.session.token=...");
    assertThat(run.out() + run.error()).doesNotContain(CANARY);
    assertThat(log.toString()).contains("spark.hadoop.fs.s3a.secret.key").doesNotContain(CANARY);
    assertThat(filesBelow(events)).isNotEmpty();
    for (Path file : filesBelow(folder)) {
      if (!file.equals(config)) {
        assertThat(Files.readString(file, ISO_8859_1)).as(file.toString()).doesNotContain(CANARY);
      }
    }
  }

  /** Runs a training with everything that anybody logs at INFO going to {@code log}. */
  private static CommandRun loggingTo(StringWriter log, Path config) {
    LoggerContext context = (LoggerContext) LogManager.getContext(false);
    Level before = context.getRootLogger().getLevel();
    WriterAppender appender =
        WriterAppender.createAppender(
            PatternLayout.newBuilder().withPattern("%m%n%ex").withCharset(UTF_8).build(),
            null,
            log,
            "canary",
            false,
            true);
    appender.start();
    context.getConfiguration().getRootLogger().addAppender(appender, Level.INFO, null);
    Configurator.setRootLevel(Level.INFO);
    try {
      return CommandRun.of(
          "train",
          "--config",
          "" + config,
          "--set",
          "spark.hadoop.fs.s3a.session.token=" + CANARY,
          "--set",
          "training.replicas=2");
    } finally {
      Configurator.setRootLevel(before);
      context.getConfiguration().getRootLogger().removeAppender("canary");
    }
  }

  private static List<Path> filesBelow(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).toList();
    }
  }
}
