package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.storage.LocalFiles;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.driver.cluster.StopRequest;
import org.sparkrnn.driver.sequences.SequenceRequest;
import org.sparkrnn.driver.sequences.SequenceRequest.Format;
import org.sparkrnn.driver.sequences.SequenceRequest.Series;
import org.sparkrnn.driver.sequences.SequenceTokenizer;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.training.PlainTrainer;
import org.sparkrnn.worker.training.TrainingCorpus;

/** The promises for models of sequences, from text and tables on: same bytes, exact resume. */
@Timeout(300)
class SequenceRoundsTest {
  private static final Map<String, Map<String, Object>> RUNS = new LinkedHashMap<>();

  static {
    RUNS.put(
        "labels",
        Map.of(
            "model.task",
            "classification",
            "model.dropout",
            0.2,
            "model.recurrent-weight-dropout",
            0.2,
            "model.zoneout-hidden",
            0.1,
            "training.replicas",
            3));
    RUNS.put(
        "tags",
        Map.of(
            "model.task", "tagging",
            "model.bidirectional", "concat",
            "model.cell", "gru",
            "loss.reduction", "sum-time-mean-batch",
            "optimizer.kind", "adam",
            "optimizer.learning-rate", 0.01));
    RUNS.put(
        "numbers",
        Map.of(
            "model.task", "regression",
            "model.bidirectional", "sum",
            "model.pooling", "mean",
            "optimizer.state", "average",
            "optimizer.kind", "momentum",
            "optimizer.learning-rate", 0.01));
  }

  @TempDir static Path shared;
  private static final Map<String, Map<String, String>> EXPECTED = new TreeMap<>();

  @TempDir Path folder;

  @BeforeAll
  static void trainOnOneThread() throws IOException {
    writeCorpora();
    try (SparkTestCluster cluster = SparkTestCluster.local(1, Serialization.JAVA)) {
      for (String name : RUNS.keySet()) {
        Path run = shared.resolve("expected-" + name);
        train(cluster, config(name, run, Map.of()), false);
        EXPECTED.put(name, TestRuns.manifests(run));
        assertThat(EXPECTED.get(name)).hasSizeGreaterThanOrEqualTo(4);
      }
    }
  }

  private static void writeCorpora() throws IOException {
    Random random = new Random(5);
    StringBuilder labelled = new StringBuilder();
    StringBuilder tagged = new StringBuilder();
    StringBuilder table = new StringBuilder("x,y\n");
    for (int i = 0; i < 60; i++) {
      int length = 1 + random.nextInt(6);
      StringBuilder text = new StringBuilder();
      for (int t = 0; t < length; t++) {
        char letter = (char) ('a' + random.nextInt(5));
        text.append(letter).append(' ');
        tagged.append(letter).append('\t').append(letter % 3).append('\n');
      }
      labelled.append(text.charAt(2 * length - 2) % 3).append('\t').append(text).append('\n');
      tagged.append('\n');
      table.append(Math.sin(i)).append(',').append(i % 7).append('\n');
    }
    write("labels", Format.LABELLED, labelled.toString());
    write("tags", Format.TAGGED, tagged.toString());
    write("numbers", Format.NUMBERS, table.toString());
  }

  private static void write(String name, Format format, String text) throws IOException {
    Path input = shared.resolve(name + ".txt");
    Files.writeString(input, text, StandardCharsets.UTF_8);
    SequenceTokenizer.run(
        new HadoopFiles(new Configuration()),
        new SequenceRequest(
            format,
            List.of(input.toString()),
            List.of(),
            List.of(),
            shared.resolve(name).toString(),
            Unit.WORD,
            List.of(70.0, 30.0, 0.0),
            1,
            0,
            1,
            2,
            new Series(List.of(), List.of("y"), 4, 2, 1, true, List.of())));
  }

  private static TrainingConfig config(String name, Path run, Map<String, ?> more) {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("batch.window", 6);
    settings.put("batch.bucket-batches", 2);
    settings.put("round.local-steps", 3);
    settings.putAll(RUNS.get(name));
    settings.putAll(more);
    return TestRuns.config(shared.resolve(name).toString(), run, settings);
  }

  private static TrainingOutcome train(
      SparkTestCluster cluster, TrainingConfig config, boolean resume) throws IOException {
    return Trainer.run(
        cluster.context(),
        config,
        new TrainOptions(resume, Optional.empty(), new StopRequest()),
        List.of());
  }

  @Test
  void twoThreadsAndKryoGiveTheSameBytesAndSoDoesAResumedRun() throws IOException {
    try (SparkTestCluster cluster = SparkTestCluster.local(2, Serialization.KRYO)) {
      for (String name : RUNS.keySet()) {
        Path whole = folder.resolve(name);
        train(cluster, config(name, whole, Map.of()), false);
        assertThat(TestRuns.manifests(whole)).as(name).isEqualTo(EXPECTED.get(name));
        Path cut = folder.resolve(name + "-cut");
        for (int rounds = 1; rounds <= 20; rounds++) {
          train(cluster, config(name, cut, Map.of("training.max-rounds", rounds)), true);
        }
        assertThat(TestRuns.manifests(cut)).as(name).isEqualTo(EXPECTED.get(name));
      }
    }
  }

  @Test
  void oneReplicaEqualsThePlainTrainer() throws IOException {
    try (SparkTestCluster cluster = SparkTestCluster.local(2, Serialization.JAVA)) {
      for (String name : RUNS.keySet()) {
        Map<String, Object> one = Map.of("training.replicas", 1, "optimizer.state", "keep-local");
        Path spark = folder.resolve(name + "-spark");
        train(cluster, config(name, spark, one), false);
        TrainingConfig plain = config(name, folder.resolve(name + "-plain"), one);
        LocalFiles files = new LocalFiles();
        PlainTrainer.run(
            plain,
            files,
            TrainingCorpus.open(files, plain.corpus().path(), plain),
            new JavaKernel(),
            false,
            () -> false);
        assertThat(TestRuns.manifests(spark))
            .as(name)
            .isEqualTo(TestRuns.manifests(folder.resolve(name + "-plain")))
            .isNotEmpty();
      }
    }
  }

  @Test
  void whatDoesNotFitIsRefusedBeforeTheFirstRound() throws IOException {
    try (SparkTestCluster cluster = SparkTestCluster.local(1, Serialization.JAVA)) {
      Map<String, Object> tagging = Map.of("model.task", "tagging");
      assertThatThrownBy(() -> train(cluster, config("labels", folder, tagging), false))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("set model.task = classification");
      Map<String, Object> shortWindow = Map.of("batch.window", 3);
      assertThatThrownBy(() -> train(cluster, config("labels", folder, shortWindow), false))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("with batch.window = 3");
    }
  }
}
