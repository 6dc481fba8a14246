package org.sparkrnn.worker.training;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.errors.DivergedException;

class TrainingStateTest {
  private static final Plan PLAN = new Plan(101, 1, 3, 5); // 7 steps an epoch

  private static TrainingState afterSteps(TrainingState start, int steps) {
    return start.afterRound(Runs.config(), steps);
  }

  @Test
  void jsonReadsBackEqual() throws CorruptFileException {
    TrainingState state =
        new TrainingState(
            17,
            5,
            2,
            3,
            15,
            240,
            PLAN,
            1.0 / 3,
            14,
            0.1 * 0.1 * 0.1,
            1,
            2,
            new AveragingTrigger(AveragingTrigger.NOT_YET, 1.5, List.of(0.1, 1.0 / 3)));
    assertThat(TrainingState.fromJson(state.toJson(), "state.json")).isEqualTo(state);
    String json = new String(state.toJson(), UTF_8);
    byte[] older = json.replaceAll("  \"time_in_epoch\" : 15,\n", "").getBytes(UTF_8);
    assertThat(older.length).isLessThan(json.length());
    assertThat(TrainingState.fromJson(older, "state.json")).isEqualTo(state);
    TrainingState start = TrainingState.start(PLAN);
    assertThat(TrainingState.fromJson(start.toJson(), "state.json")).isEqualTo(start);
  }

  @Test
  void damagedJsonIsNamed() {
    byte[] bytes = "{\"step\": -1}".getBytes(StandardCharsets.UTF_8);
    assertThatThrownBy(() -> TrainingState.fromJson(bytes, "run/step-1/state.json"))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("run/step-1/state.json");
  }

  @Test
  void epochEndsAtItsLastStep() {
    TrainingConfig config = Runs.config("round.local-steps=4");
    TrainingState state = TrainingState.start(PLAN);
    assertThat(state.stepsInRound(config)).isEqualTo(4);
    state = afterSteps(state, 4);
    assertThat(state.stepsInRound(config)).isEqualTo(3);
    assertThat(state.tokens()).isEqualTo(60);
    assertThat(state.task(0, 3).tokensBase()).isZero();
    state = afterSteps(state, 3);
    assertThat(state.epoch()).isEqualTo(1);
    assertThat(state.epochEnded()).isTrue();
    assertThat(state.tokens()).isEqualTo(99);
    assertThat(afterSteps(state, 2).task(0, 1).tokensBase()).isEqualTo(99);
  }

  @Test
  void roundsOfTheWarmUpHaveOneStep() {
    TrainingConfig config = Runs.config("round.local-steps=4", "round.warmup-steps=2");
    TrainingState state = TrainingState.start(PLAN);
    assertThat(state.stepsInRound(config)).isEqualTo(1);
    assertThat(afterSteps(state, 1).stepsInRound(config)).isEqualTo(1);
    assertThat(afterSteps(state, 2).stepsInRound(config)).isEqualTo(4);
    assertThat(afterSteps(state, 7).stepsInRound(config)).isEqualTo(4);
  }

  @Test
  void bestLossIsRememberedAndPlateauLowersTheRate() {
    TrainingConfig config =
        Runs.config(
            "schedule.kind=plateau",
            "schedule.factor=0.5",
            "schedule.patience=1",
            "training.patience=4");
    TrainingState state =
        TrainingState.start(PLAN).afterRound(Runs.config(), 1).afterEvaluation(config, 2);
    assertThat(state.isBest()).isTrue();
    double[] factors = {1, 0.5, 0.5, 0.25};
    for (double factor : factors) {
      assertThat(state.end(config)).isEmpty();
      state = state.afterRound(Runs.config(), 1).afterEvaluation(config, 2.5);
      assertThat(state.plateauFactor()).isEqualTo(factor);
      assertThat(state.isBest()).isFalse();
    }
    assertThat(state.end(config)).contains(TrainingState.End.PATIENCE);
    TrainingState better = state.afterEvaluation(config, 1.5);
    assertThat(better.bestStep()).isEqualTo(better.step());
    assertThat(better.end(config)).isEmpty();
    assertThat(better.plateauFactor()).isEqualTo(0.25);
  }

  @Test
  void limitsEndARun() {
    TrainingState state = TrainingState.start(PLAN).afterRound(Runs.config(), 4);
    assertThat(state.end(Runs.config("training.max-rounds=1")))
        .contains(TrainingState.End.MAX_ROUNDS);
    assertThat(state.end(Runs.config("training.max-tokens=60")))
        .contains(TrainingState.End.MAX_TOKENS);
    assertThat(state.end(Runs.config("training.max-tokens=61"))).isEmpty();
    assertThat(state.afterRound(Runs.config(), 3).end(Runs.config("training.epochs=1")))
        .contains(TrainingState.End.EPOCHS);
  }

  @Test
  void lossThatIsNotFiniteIsDivergence() {
    TrainingState state = TrainingState.start(PLAN).afterRound(Runs.config(), 1);
    assertThatThrownBy(() -> state.afterEvaluation(Runs.config(), Double.NaN))
        .isInstanceOf(DivergedException.class)
        .hasMessageContaining("round 1");
  }

  @ParameterizedTest
  @CsvSource({
    "step, -1",
    "step, 9223372036854775807",
    "tokens, 9223372036854775807",
    "round, 0.5",
    "epoch, 2147483648",
    "plateau_factor, 1e999",
    "plateau_factor, -1",
    "best_step, 5",
    "best_loss_nats_per_token, 1e999",
    "window, 0",
    "streams, 4294967297"
  })
  void valuesThatNoRunReachesAreRefusedWithTheFile(String name, String value) {
    TrainingState state =
        TrainingState.start(PLAN).afterRound(Runs.config(), 3).afterEvaluation(Runs.config(), 2);
    String json = new String(state.toJson(), UTF_8);
    String other = json.replaceAll("\"" + name + "\" : [^,\n]+", "\"" + name + "\" : " + value);
    assertThat(other).isNotEqualTo(json);
    assertThatThrownBy(() -> TrainingState.fromJson(other.getBytes(UTF_8), "step-3/state.json"))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("step-3/state.json")
        .hasMessageContaining(name);
  }
}
