package org.sparkrnn.worker.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.config.ModelConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.parameters.ParameterBlock;

class ModelSpecTest {
  private static ModelConfig config(String... settings) {
    return TrainingConfig.load("", List.of(settings)).model();
  }

  @Test
  void publishedModelsHaveTheirSizes() {
    ModelConfig small = config("model.hidden=200", "model.embedding=200");
    assertThat(ModelSpec.of(small, 10_000).layout().size()).isEqualTo(4_653_200); // Zaremba et al.
    ModelConfig charRnn = config("model.input=one-hot");
    assertThat(ModelSpec.of(charRnn, 65).layout().size()).isEqualTo(240_321); // char-rnn prints it
  }

  @Test
  void uniformParametersFillTheirRange() {
    ModelConfig config = config("model.initialization-range=0.1");
    float[] parameters = ModelSpec.of(config, 50).initialise(config, 3);
    double sum = 0;
    for (float parameter : parameters) {
      assertThat(parameter).isBetween(-0.1f, 0.1f);
      sum += parameter;
    }
    // The mean of n uniform numbers has the standard deviation range/√(3n).
    assertThat(Math.abs(sum / parameters.length))
        .isLessThan(5 * 0.1 / Math.sqrt(3.0 * parameters.length));
    assertThat(parameters).isEqualTo(ModelSpec.of(config, 50).initialise(config, 3));
    assertThat(parameters).isNotEqualTo(ModelSpec.of(config, 50).initialise(config, 4));
  }

  @Test
  void pytorchsEmbeddingIsNormalAndTheRestBounded() {
    ModelConfig config =
        config("model.initialization=pytorch", "model.hidden=64", "model.embedding=100");
    ModelSpec spec = ModelSpec.of(config, 400);
    float[] parameters = spec.initialise(config, 3);
    ParameterBlock table = spec.layout().block(ModelSpec.EMBEDDING_WEIGHT);
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < table.size(); i++) {
      sum += parameters[i];
      squares += parameters[i] * parameters[i];
    }
    double deviation = 1 / Math.sqrt(table.size());
    assertThat(Math.abs(sum / table.size())).isLessThan(5 * deviation);
    assertThat(Math.abs(squares / table.size() - 1)).isLessThan(5 * Math.sqrt(2) * deviation);
    for (int i = table.size(); i < parameters.length; i++) {
      assertThat(parameters[i]).isBetween(-0.125f, 0.125f); // 1/√64
    }
  }

  @Test
  void forgetGateBiasIsSetInOneOfTheTwoBiases() {
    ModelConfig config = config("model.forget-gate-bias=1", "model.hidden=5", "model.layers=2");
    ModelSpec spec = ModelSpec.of(config, 4);
    float[] parameters = spec.initialise(config, 3);
    for (int layer = 0; layer < 2; layer++) {
      int input = spec.layout().block("rnn.bias_ih_l" + layer).offset();
      int recurrent = spec.layout().block("rnn.bias_hh_l" + layer).offset();
      for (int i = 0; i < 20; i++) {
        assertThat(parameters[input + i] == 1f).isEqualTo(i >= 5 && i < 10);
        assertThat(parameters[recurrent + i]).isNotEqualTo(1f);
      }
    }
  }
}
