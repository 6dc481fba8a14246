package org.sparkrnn.worker.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkrnn.common.config.ModelConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
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
  void adaptiveSoftmaxHasPyTorchsBlocks() {
    ModelConfig config =
        config(
            "model.hidden=20",
            "model.softmax=adaptive",
            "model.softmax-cutoffs=5,12,30",
            "model.initialization=pytorch");
    ModelSpec spec = ModelSpec.of(config, 50);
    assertThat(
            spec.layout().blocks().stream()
                .filter(block -> block.name().startsWith("output"))
                .map(block -> block.name() + " " + block.shape()))
        .containsExactly(
            "output.head.weight [8, 20]",
            "output.head.bias [8]",
            "output.tail.0.0.weight [5, 20]",
            "output.tail.0.1.weight [7, 5]",
            "output.tail.1.0.weight [1, 20]",
            "output.tail.1.1.weight [18, 1]",
            "output.tail.2.0.weight [1, 20]", // 20 / 64 is none: at least 1
            "output.tail.2.1.weight [20, 1]");
    assertThat(largest(spec, config, "output.tail.0.1.weight"))
        .isBetween(0.8 / Math.sqrt(5), 1 / Math.sqrt(5) + 1e-7);
  }

  @Test
  void projectedLayersHavePyTorchsBlocks() {
    ModelConfig config =
        config("model.hidden=20,9", "model.projection=6,0", "model.initialization=pytorch");
    ModelSpec spec = ModelSpec.of(config, 50);
    assertThat(
            spec.layout().blocks().stream()
                .filter(block -> block.name().contains("weight"))
                .map(block -> block.name() + " " + block.shape()))
        .containsExactly(
            "embedding.weight [50, 128]",
            "rnn.weight_ih_l0 [80, 128]",
            "rnn.weight_hh_l0 [80, 6]",
            "rnn.weight_hr_l0 [6, 20]",
            "rnn.weight_ih_l1 [36, 6]",
            "rnn.weight_hh_l1 [36, 9]",
            "output.weight [50, 9]");
    assertThat(spec.stateFloats(3)).isEqualTo(3 * (6 + 20 + 9 + 9));
    assertThat(largest(spec, config, "rnn.weight_hr_l0"))
        .isBetween(0.9 / Math.sqrt(20), 1 / Math.sqrt(20) + 1e-7);
    ModelConfig xavier =
        config("model.hidden=20,9", "model.projection=6,0", "model.initialization=xavier");
    assertThat(largest(spec, xavier, "rnn.weight_hr_l0"))
        .isBetween(0.9 * Math.sqrt(6.0 / 26), Math.sqrt(6.0 / 26) * (1 + 1e-7));
  }

  @Test
  void normalisedLayersHaveGainsThatStartAtOne() {
    ModelConfig config =
        config("model.hidden=20,9", "model.projection=6,0", "model.layer-normalization=true");
    ModelSpec spec = ModelSpec.of(config, 50);
    assertThat(
            spec.layout().blocks().stream()
                .filter(block -> block.name().contains("gain") || block.name().contains("bias_c"))
                .map(block -> block.name() + " " + block.shape()))
        .containsExactly(
            "rnn.gain_ih_l0 [80]",
            "rnn.gain_hh_l0 [80]",
            "rnn.gain_c_l0 [20]",
            "rnn.bias_c_l0 [20]",
            "rnn.gain_ih_l1 [36]",
            "rnn.gain_hh_l1 [36]",
            "rnn.gain_c_l1 [9]",
            "rnn.bias_c_l1 [9]");
    float[] parameters = spec.initialise(config, 3);
    ParameterBlock gain = spec.layout().block("rnn.gain_hh_l1");
    for (int i = gain.offset(); i < gain.offset() + gain.size(); i++) {
      assertThat(parameters[i]).isEqualTo(1f);
    }
    assertThat(largest(spec, config, "rnn.bias_c_l0")).isZero();
    assertThat(spec.withProjection(List.of(0, 0)).normalised()).isTrue();
  }

  private static double largest(ModelSpec spec, ModelConfig config, String name) {
    float[] parameters = spec.initialise(config, 3);
    ParameterBlock block = spec.layout().block(name);
    float largest = 0;
    for (int i = block.offset(); i < block.offset() + block.size(); i++) {
      largest = Math.max(largest, Math.abs(parameters[i]));
    }
    return largest;
  }

  @Test
  void cutoffsBeyondTheVocabularyAreRefused() {
    ModelConfig config = config("model.softmax=adaptive", "model.softmax-cutoffs=5,50");
    assertThat(ModelSpec.of(config, 51).clusters().words(1)).isEqualTo(1);
    assertThatThrownBy(() -> ModelSpec.of(config, 50))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("model.softmax-cutoffs = [5, 50]")
        .hasMessageContaining("below the 50 words");
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
  void awdDrawsTheEmbeddingFromTheRangeAndTheLayersAsPytorch() {
    String[] sizes = {"model.hidden=25,9", "model.embedding=9", "model.tied=true"};
    ModelConfig config =
        config(
            "model.initialization=awd",
            "model.initialization-range=0.1",
            sizes[0],
            sizes[1],
            sizes[2]);
    ModelConfig pytorch = config("model.initialization=pytorch", sizes[0], sizes[1], sizes[2]);
    ModelSpec spec = ModelSpec.of(config, 40);
    assertThat(spec.layout().contains(ModelSpec.OUTPUT_WEIGHT)).isFalse();
    float[] parameters = spec.initialise(config, 3);
    float[] layers = spec.initialise(pytorch, 3);
    float largest = 0;
    for (ParameterBlock block : spec.layout().blocks()) {
      for (int i = block.offset(); i < block.offset() + block.size(); i++) {
        if (block.name().startsWith("rnn.")) {
          assertThat(parameters[i]).isEqualTo(layers[i]);
          assertThat(Math.abs(parameters[i]))
              .isLessThan(block.name().endsWith("0") ? 0.2f : 1 / 3f);
        } else if (block.name().equals(ModelSpec.OUTPUT_BIAS)) {
          assertThat(parameters[i]).isZero();
        } else {
          largest = Math.max(largest, Math.abs(parameters[i]));
        }
      }
    }
    assertThat(largest).isBetween(0.099f, 0.1f);
  }

  @Test
  void xavierFillsTheRangeOfEachMatrixAndLeavesBiasesAtZero() {
    ModelConfig config =
        config("model.initialization=xavier", "model.hidden=30", "model.embedding=20");
    ModelSpec spec = ModelSpec.of(config, 50);
    float[] parameters = spec.initialise(config, 3);
    for (ParameterBlock block : spec.layout().blocks()) {
      int rows = block.name().startsWith("rnn.") ? 30 : block.rows();
      double range = block.dimensions() == 1 ? 0 : Math.sqrt(6.0 / (rows + block.columns()));
      float largest = 0;
      for (int i = block.offset(); i < block.offset() + block.size(); i++) {
        largest = Math.max(largest, Math.abs(parameters[i]));
      }
      assertThat((double) largest).as(block.name()).isBetween(0.99 * range, range * (1 + 1e-7));
    }
  }

  /** Their columns, which a projection makes fewer than their rows. */
  @ParameterizedTest
  @CsvSource({"1, 0", "2, 0", "7, 0", "33, 0", "33, 32", "33, 7", "2, 1"})
  void orthogonalMakesEachGatesRecurrentMatrixOrthogonal(int units, int projection) {
    String size = "model.hidden=" + units;
    String projected = "model.projection=" + projection;
    ModelConfig config =
        config("model.initialization=orthogonal", size, projected, "model.layers=2");
    ModelSpec spec = ModelSpec.of(config, 5);
    float[] parameters = spec.initialise(config, 3);
    assertThat(parameters).isEqualTo(spec.initialise(config, 3));
    int columns = projection > 0 ? projection : units;
    for (int gate = 0; gate < 4; gate++) {
      int from = spec.layout().block("rnn.weight_hh_l1").offset() + gate * units * columns;
      for (int column = 0; column < columns; column++) {
        for (int other = 0; other <= column; other++) {
          double product = 0;
          for (int k = 0; k < units; k++) {
            int row = from + k * columns;
            product += (double) parameters[row + column] * parameters[row + other];
          }
          assertThat(product).isCloseTo(column == other ? 1 : 0, within(1e-6));
        }
      }
    }
    float[] others = spec.initialise(config("model.initialization=xavier", size, projected), 3);
    assertThat(parameters[0]).isEqualTo(others[0]);
  }

  /** R = Qᵀ·A is upper triangular with a positive diagonal: Q is that of A and of no other. */
  @ParameterizedTest
  @CsvSource({"9, 9", "9, 4", "1, 1"})
  void orthogonalIsTheQOfItsMatrix(int rows, int columns) {
    double[] a = new SplittableRandom(5).doubles((long) rows * columns, -1, 1).toArray();
    double[] q = Orthogonal.of(a.clone(), rows, columns);
    assertThat(q).hasSize(rows * columns);
    for (int i = 0; i < columns; i++) {
      for (int j = 0; j < columns; j++) {
        double r = 0;
        for (int k = 0; k < rows; k++) {
          r += q[k * columns + i] * a[k * columns + j];
        }
        assertThat(i <= j || Math.abs(r) < 1e-14).isTrue();
        assertThat(i != j || r > 0).isTrue();
      }
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
