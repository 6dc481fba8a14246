package org.sparkrnn.common.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkrnn.common.errors.BadInputException;

/** Settings of the architecture. */
class ModelConfigTest {
  private static TrainingConfig of(String... overrides) {
    return TrainingConfig.load("", List.of(overrides));
  }

  @Test
  void layersMayHaveSizesOfTheirOwn() throws IOException {
    String list = "model { layers = 3, hidden = [1150, 1150, 400], embedding = 400, tied = true }";
    TrainingConfig config = TrainingConfig.load(list, List.of());
    assertThat(config.model().hidden()).containsExactly(1150, 1150, 400);
    assertThat(TrainingConfig.load(list, List.of("model.hidden=8, 9,400")).model().hidden())
        .containsExactly(8, 9, 400);
    TrainingConfig saved =
        TrainingConfig.ofCheckpoint(config.semanticText().getBytes(UTF_8), "config.json");
    assertThat(saved.differences(config)).isEmpty();
    assertThat(saved.semanticText()).isEqualTo(config.semanticText());
    assertThat(TrainingConfig.load("model.hidden = [7, 7]", List.of()).semanticText())
        .contains("\"hidden\" : 7,");
  }

  @Test
  void layersMayBeProjectedEachToColumnsOfItsOwn() throws IOException {
    String list =
        "model { layers = 3, hidden = [9, 5, 20], projection = [4, 0, 7], embedding = 7, tied = true }";
    TrainingConfig config = TrainingConfig.load(list, List.of());
    assertThat(config.model().projection()).containsExactly(4, 0, 7);
    TrainingConfig saved =
        TrainingConfig.ofCheckpoint(config.semanticText().getBytes(UTF_8), "config.json");
    assertThat(saved.differences(config)).isEmpty();
    assertThat(of("model.projection=64").model().projection()).containsExactly(64, 64);
    assertThat(of().model().projection()).containsExactly(0, 0);
    assertThat(of("model.hidden=9,8", "model.projection=5,5", "model.residual=true").model())
        .isNotNull();
  }

  @Test
  void cutoffsOfTheSoftmaxAreKept() throws IOException {
    for (String cutoffs : List.of("[]", "[7]", "[7, 9]")) {
      String settings = "model { softmax-cutoffs = %s, softmax-divisor = 2 }".formatted(cutoffs);
      TrainingConfig config = TrainingConfig.load(settings, List.of());
      assertThat(config.model().output().softmaxCutoffs().toString()).isEqualTo(cutoffs);
      TrainingConfig saved =
          TrainingConfig.ofCheckpoint(config.semanticText().getBytes(UTF_8), "config.json");
      assertThat(saved.differences(config)).isEmpty();
      assertThat(saved.semanticText()).isEqualTo(config.semanticText());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model.hidden = [5, 6, 7] | one for each of model.layers = 2, got [5, 6, 7]",
        "model.hidden = [5, 0] | model.hidden must be positive, got 0",
        "model.hidden = [] | model.hidden must be an integer of at most 2147483647, or a list of them",
        "model.hidden = [5, a] | model.hidden must be an integer of at most 2147483647, or a list of them",
        "model.hidden = 2.5 | model.hidden must be an integer of at most 2147483647, or a list of them",
        "model { residual = true, hidden = [5, 6] } | model.residual needs at least two layers of equal",
        "model { residual = true, hidden = 8, projection = [5, 6] } | model.hidden = [8, 8], model.projection = [5, 6]",
        "model { tied = true, hidden = 300, projection = 127 } | model.projection ends in 127, model.embedding is 128",
        "model.projection = 128 | model.projection must be 0 or below model.hidden of the same layer, got 128 of 128",
        "model.layer-normalization = 2 | model.layer-normalization must be",
        "model.projection = -1 | model.projection must be 0 or below model.hidden of the same layer, got -1 of 128",
        "model.projection = [5, 6, 7] | model.projection must be one number or one for each of model.layers = 2",
        "model.projection = a | model.projection must be an integer of at most",
        "model { projection = 5, cell = gru } | model.projection needs a cell with a cell state, an LSTM, got model.cell = gru",
        "model { residual = true, layers = 1 } | model.residual needs at least two layers of equal size",
        "model { tied = true, hidden = 127 } | ends in 127, model.embedding is 128",
        "model { tied = true, input = one-hot } | model.tied needs model.input = embedding",
        "model { tied = true, frozen-embedding = true } | model.frozen-embedding cannot be used with model.tied",
        "model { tied = true, softmax = adaptive, softmax-cutoffs = 9 } | model.tied cannot be used with model.softmax = adaptive",
        "model.softmax = adaptive | model.softmax = adaptive needs model.softmax-cutoffs, such as",
        "model.softmax-cutoffs = [5, 5] | model.softmax-cutoffs must be positive and ascending, got [5, 5]",
        "model.softmax-cutoffs = [0, 5] | model.softmax-cutoffs must be positive and ascending, got [0, 5]",
        "model.softmax-cutoffs = [a] | model.softmax-cutoffs must be an integer of at most",
        "model.softmax-divisor = 0 | model.softmax-divisor must be positive, got 0",
        "model.softmax = sampled | model.softmax = sampled needs model.softmax-samples, such as 2000",
        "model.softmax-samples = -1 | model.softmax-samples must not be negative, got -1",
        "model { softmax = sampled, softmax-samples = 9, task = tagging } | need model.task = language-model",
        "model { softmax = adaptive, softmax-cutoffs = 9, task = tagging } | need model.task = language-model",
        "model { tied = true, task = tagging } | need model.task = language-model",
        "model.task = tagging, loss.activation-penalty = 1 | need model.task = language-model",
        "model { residual = true, task = regression, bidirectional = sum } | needs model.pooling = mean or max, got last",
        "model { pretrained-embeddings = x, input = one-hot } | model.pretrained-embeddings needs an embedding",
        "model { frozen-embedding = true, input = one-hot } | model.frozen-embedding needs an embedding",
        "model { word-dropout = 0.1, input = one-hot } | model.word-dropout needs an embedding, and there is none with model.input = one-hot",
        "model { embedding-dropout = 0.1, input = one-hot } | model.embedding-dropout needs an embedding",
        "model { dropout-input = 0.1, input = one-hot } | model.dropout-input needs an embedding",
        "model.dropout-output = 1 | model.dropout-output must be at least 0 and below 1, got 1.0",
        "model.recurrent-weight-dropout = 1 | model.recurrent-weight-dropout must be at least 0 and below 1",
        "model.zoneout-hidden = 1 | model.zoneout-hidden must be at least 0 and below 1",
        "model { zoneout-cell = 0.1, cell = gru-reset-before } | needs a cell with a cell state, an LSTM, got model.cell = gru-reset-before",
        "loss.temporal-penalty = -1 | loss.temporal-penalty must not be negative, got -1.0"
      })
  void modelsThatCannotBeBuiltAreRefused(String settings, String message) {
    assertThatThrownBy(() -> TrainingConfig.load(settings, List.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aListIsGivenOnTheCommandLineAsInAFile() {
    for (String text : List.of("[5, 6]", "5,6", "[5,6]", " 5, 6 ")) {
      assertThat(of("model.hidden=" + text).model().hidden()).as(text).containsExactly(5, 6);
    }
  }

  @Test
  void theForgetGateBiasIsAbsentUnlessItIsANumber() {
    assertThat(of().model().forgetGateBias()).isEmpty();
    assertThat(of("model.forget-gate-bias=0").model().forgetGateBias()).hasValue(0);
    assertThat(
            TrainingConfig.load(
                    "model.forget-gate-bias = 1", List.of("model.forget-gate-bias=null"))
                .model()
                .forgetGateBias())
        .isEmpty();
    assertThat(TrainingConfig.load("model.forget-gate-bias = null", List.of())).isEqualTo(of());
  }
}
