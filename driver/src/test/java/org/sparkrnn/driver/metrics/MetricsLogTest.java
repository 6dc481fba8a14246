package org.sparkrnn.driver.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.storage.LocalFiles;
import org.sparkrnn.common.storage.Mutator;

class MetricsLogTest {
  @TempDir Path folder;

  @Test
  void aLineSaysWhereTheTimeWent() throws IOException {
    MetricsLog log = log(0);
    log.add(round(1));
    log.replaceLast(round(1).withValidation(1.5, 0.25));
    log.checkpointTook(0.75);
    log.flush();
    JsonNode line = new ObjectMapper().readTree(lines().get(0));
    assertThat(line.get("round").longValue()).isEqualTo(1);
    assertThat(line.get("validation_loss_nats").doubleValue()).isEqualTo(1.5);
    assertThat(line.get("schedule_seconds").doubleValue()).isEqualTo(1);
    assertThat(line.get("broadcast_seconds").doubleValue()).isEqualTo(2);
    assertThat(line.get("compute_seconds").doubleValue()).isEqualTo(3);
    assertThat(line.get("average_seconds").doubleValue()).isEqualTo(4);
    assertThat(line.get("evaluate_seconds").doubleValue()).isEqualTo(0.25);
    assertThat(line.get("checkpoint_seconds").doubleValue()).isEqualTo(0.75);
    assertThat(line.get("tokens_per_second").doubleValue()).isEqualTo(50);
    assertThat(line.get("kernels").get(0).textValue()).isEqualTo("java");
  }

  @Test
  void linesBehindTheCheckpointAreCutOff() throws IOException {
    MetricsLog log = log(0);
    for (int round = 1; round <= 5; round++) {
      log.add(round(round));
    }
    log.flush();
    Files.writeString(file(), Files.readString(file()) + "{\"round\": 6, \"ep");
    assertThat(lines()).hasSize(6);
    log(3).add(round(4));
    assertThat(lines()).hasSize(3);
    log(0);
    assertThat(lines()).isEmpty();
  }

  @Test
  void aCrashWhileTheFileIsReplacedLosesNothing() throws IOException {
    MetricsLog log = log(0);
    log.add(round(1));
    log.flush();
    Files.move(file(), folder.resolve("metrics.jsonl.partial"));
    log(1);
    assertThat(lines()).hasSize(1);
    assertThat(folder.resolve("metrics.jsonl.partial")).doesNotExist();
  }

  @Test
  void ofADamagedFileTheLinesOfEarlierRoundsStay() throws IOException {
    MetricsLog log = log(0);
    for (int round = 1; round <= 5; round++) {
      log.add(round(round));
    }
    log.flush();
    byte[] good = Files.readAllBytes(file());
    for (int seed = 0; seed < 1000; seed++) {
      Files.write(file(), new Mutator(new Random(seed)).mutate(good));
      log(3);
      for (String line : lines()) {
        assertThat(new ObjectMapper().readTree(line).path("round").longValue())
            .as("seed %d", seed)
            .isLessThanOrEqualTo(3);
      }
    }
  }

  private MetricsLog log(long lastRound) throws IOException {
    return MetricsLog.open(new LocalFiles(), file().toString(), lastRound);
  }

  private Path file() {
    return folder.resolve("metrics.jsonl");
  }

  private List<String> lines() throws IOException {
    return Files.readAllLines(file());
  }

  private static RoundMetrics round(long round) {
    return new RoundMetrics(
        round,
        0,
        10 * round,
        500 * round,
        500,
        2.5,
        0.1,
        1,
        2,
        3,
        1.25,
        new RoundMetrics.Seconds(1, 2, 3, 4, 0, 0),
        List.of("java"),
        OptionalDouble.empty());
  }
}
