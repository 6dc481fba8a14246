package org.sparkrnn.common.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;

/** Settings that would take the parser's stack, its memory or the day. */
@Timeout(60)
class HostileSettingsTest {
  @ParameterizedTest
  @ValueSource(strings = {"[", "{ a = ", "a { "})
  void nestingBeyondTheStackIsRefused(String opening) {
    assertThatThrownBy(() -> TrainingConfig.load("x = " + opening.repeat(100_000), List.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("Cannot read configuration");
  }

  @Test
  void aKeyOfAHundredThousandPartsIsRefused() {
    assertThatThrownBy(() -> TrainingConfig.load("a.".repeat(100_000) + "a = 1", List.of()))
        .isInstanceOf(BadInputException.class);
  }

  @Test
  void aSizeIsNotWrittenOutToItsLastDigit() {
    for (String value : List.of("1e999999999", "9e99999999 MiB", "1" + "0".repeat(500_000))) {
      assertThatThrownBy(
              () -> TrainingConfig.load("", List.of("round.inline-state-bytes=" + value)))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("round.inline-state-bytes must be a size");
    }
  }

  @Test
  void aNumberOfAMillionDigitsIsRefusedUnread() {
    String digits = "7".repeat(1_000_000);
    for (String key : List.of("training.seed", "model.hidden", "optimizer.learning-rate")) {
      assertThatThrownBy(() -> TrainingConfig.load("", List.of(key + "=" + digits)))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining(key);
    }
  }

  @Test
  void anUnknownKeyIsRefusedHoweverLong() {
    assertThatThrownBy(() -> TrainingConfig.load("b".repeat(500_000) + " = 1", List.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("Unknown setting bbb");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model.layers=2147483647",
        "model.hidden=2147483647",
        "model.embedding=2147483647",
        "training.replicas=2147483647"
      })
  void sizesThatNobodyCouldLayOutAreRefusedBeforeAnybodyCounts(String setting) {
    assertThatThrownBy(() -> TrainingConfig.load("", List.of(setting)))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("must be at most");
  }

  @Test
  void theConfigurationOfACheckpointIsPlainJson() throws CorruptFileException {
    TrainingConfig config =
        TrainingConfig.load("", List.of("model.hidden=77", "model.forget-gate-bias=null"));
    assertThat(ofCheckpoint(config.semanticText())).isEqualTo(config);
    for (String text :
        List.of(
            "include \"/etc/passwd\"",
            "include url(\"http://127.0.0.1:1/x\")",
            "{\"model\": {\"hidden\": ${HOME}}}",
            "{\"model\": {\"hiden\": 3}}",
            "{\"model\": {\"hidden\": [3, 4, 5]}}",
            "{\"model\": {\"hidden\": [[3]]}}",
            "{\"model\": 3}",
            "{\"model\": {\"hidden\": -3}}",
            "{\"spark\": {\"app.name\": \"x\"}}")) {
      assertThatThrownBy(() -> ofCheckpoint(text))
          .as(text)
          .isInstanceOf(CorruptFileException.class)
          .hasMessageStartingWith("Cannot read step-1/config.json: ");
    }
  }

  @Test
  void aMessageIsOneLineThatCannotMoveTheCursor() {
    assertThatThrownBy(() -> ofCheckpoint("{\"model\": {\"hid\\u001b[2J\\u202e\\nden\": 3}}"))
        .hasMessageContaining("hid [2J  den");
  }

  private static TrainingConfig ofCheckpoint(String text) throws CorruptFileException {
    return TrainingConfig.ofCheckpoint(text.getBytes(UTF_8), "step-1/config.json");
  }
}
