package org.sparkrnn.worker.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkrnn.common.config.ModelConfig.Cell;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.model.ModelSpec;

class EvaluatorTest {
  private static final int[] TOKENS = Runs.tokens(173, 5);
  private static final int UNKNOWN = 4;

  private static ModelSpec spec(TrainingConfig config) {
    return ModelSpec.of(config.model(), Runs.VOCABULARY);
  }

  private static StreamLosses streams(ModelSpec spec, float[] parameters, int first, int count)
      throws IOException {
    return Evaluator.evaluateStreams(
        spec,
        new JavaKernel(),
        parameters,
        Runs.source(TOKENS),
        TOKENS.length,
        7,
        first,
        count,
        UNKNOWN,
        () -> false);
  }

  private static Evaluation evaluate(TrainingConfig config, int streams, int atOnce)
      throws IOException {
    ModelSpec spec = spec(config);
    return Evaluator.evaluate(
        spec,
        new JavaKernel(),
        spec.initialise(config.model(), 1),
        Runs.source(TOKENS),
        TOKENS.length,
        streams,
        atOnce,
        UNKNOWN);
  }

  @ParameterizedTest
  @EnumSource
  void streamsSideBySideGiveTheBitsOfEachAlone(Cell cell) throws IOException {
    TrainingConfig config = Runs.config("model.cell=" + Runs.text(cell));
    ModelSpec spec = spec(config);
    float[] parameters = spec.initialise(config.model(), 1);
    StreamLosses together = streams(spec, parameters, 0, 7);
    List<StreamLosses> alone = new ArrayList<>();
    for (int stream = 0; stream < 7; stream++) {
      StreamLosses one = streams(spec, parameters, stream, 1);
      assertThat(one.lossSumsNats()[0]).isEqualTo(together.lossSumsNats()[stream]);
      assertThat(one.predictions()[0]).isEqualTo(together.predictions()[stream]);
      alone.add(one);
    }
    Collections.reverse(alone);
    assertThat(Evaluation.of(TOKENS.length, 7, alone))
        .isEqualTo(Evaluation.of(TOKENS.length, 7, List.of(together)));
    assertThat(evaluate(config, 7, 3)).isEqualTo(Evaluation.of(TOKENS.length, 7, alone));
  }

  @Test
  void predictionsAreTokensMinusStreams() throws IOException {
    Evaluation one = evaluate(Runs.config(), 1, 1);
    assertThat(one.predictions()).isEqualTo(172);
    assertThat(evaluate(Runs.config(), 7, 7).predictions()).isEqualTo(166);
    assertThat(one.natsPerToken()).isBetween(2.3, 2.5); // ln 11 = 2.398
    assertThat(one.perplexity()).isCloseTo(Math.exp(one.natsPerToken()), within(1e-9));
    assertThat(one.bitsPerToken()).isCloseTo(one.natsPerToken() * 1.442695, within(1e-5));
    assertThat(one.fields().keySet())
        .containsAll(
            Set.of(
                "tokens",
                "predictions",
                "streams",
                "nats_per_token",
                "perplexity",
                "bits_per_token",
                "oov_share"));
  }

  @Test
  void unknownLabelsAreCounted() throws IOException {
    long expected = 0;
    for (int i = 1; i < TOKENS.length; i++) {
      expected += TOKENS[i] == UNKNOWN ? 1 : 0;
    }
    assertThat(evaluate(Runs.config(), 1, 1).unknown()).isEqualTo(expected);
  }

  @Test
  void dropoutIsOffInEvaluation() throws IOException {
    assertThat(evaluate(Runs.config("model.dropout=0.5"), 1, 1))
        .isEqualTo(evaluate(Runs.config(), 1, 1));
  }

  @Test
  void missingStreamIsNoticed() throws IOException {
    ModelSpec spec = spec(Runs.config());
    float[] parameters = spec.initialise(Runs.config().model(), 1);
    List<StreamLosses> parts =
        List.of(streams(spec, parameters, 0, 2), streams(spec, parameters, 3, 4));
    assertThatThrownBy(() -> Evaluation.of(TOKENS.length, 7, parts))
        .hasMessageContaining("stream 3 follows stream 1");
  }
}
