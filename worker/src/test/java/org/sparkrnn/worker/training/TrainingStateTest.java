package org.sparkrnn.worker.training;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
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

  private static TrainingConfig warmingUp(String... more) {
    List<String> settings =
        new ArrayList<>(
            List.of(
                "training.replicas=2",
                "batch.streams=2",
                "batch.global-streams=3",
                "batch.window=5",
                "round.local-steps=2"));
    settings.addAll(List.of(more));
    return Runs.config(settings.toArray(String[]::new));
  }

  @Test
  void oneReplicaTrainsTheBeginningOfTheFirstEpochAndAllTheRest() throws CorruptFileException {
    TrainingConfig config =
        warmingUp("round.warmup-steps=3", "schedule.kind=cosine", "training.epochs=2");
    TrainingState state = TrainingState.start(Plan.atStart(config, 101)).begin(config, 101);
    Plan warmup = state.plan();
    assertThat(warmup).isEqualTo(new Plan(101, 0, 45, 1, 3, 5, Plan.Unit.TOKENS));
    assertThat(state.beginsEpoch()).isTrue();
    List<Integer> rounds = new ArrayList<>();
    while (state.plan().equals(warmup)) {
      assertThat(state.warmsUp(config)).isTrue();
      rounds.add(state.stepsInRound(config));
      TrainingState after = state.afterRound(config, state.stepsInRound(config));
      assertThat(TrainingState.fromJson(after.toJson(), "state.json")).isEqualTo(after);
      assertThat(after.plan().isOf(config)).isTrue();
      assertThat(after.epochEnded()).isFalse();
      assertThat(after.beginsEpoch()).isFalse();
      assertThat(after.epochShare()).isEqualTo(after.step() * 15 / 101.0, within(1e-15));
      state = after.begin(config, 150); // the corpus grew: not before the next epoch
    }
    assertThat(rounds).containsExactly(2, 1);
    assertThat(state.plan()).isEqualTo(new Plan(101, 45, 101, 2, 2, 5, Plan.Unit.TOKENS));
    assertThat(state.plan().isOf(config)).isTrue();
    assertThat(state.plan().isOf(warmingUp("round.warmup-steps=2"))).isFalse();
    assertThat(state.warmsUp(config)).isFalse();
    assertThat(state.tokens()).isEqualTo(45);
    assertThat(state.task(1, 2).tokensBase()).isEqualTo(45);
    assertThat(state.task(1, 2).firstStep()).isZero(); // from a zero hidden state
    state = state.afterRound(config, 2);
    assertThat(state.begin(config, 150)).isEqualTo(state);
    state = state.afterRound(config, state.stepsInRound(config));
    assertThat(state.epoch()).isEqualTo(1);
    assertThat(state.epochEnded()).isTrue();
    assertThat(state.tokens()).isEqualTo(45 + 54);
    assertThat(state.begin(config, 150).plan()).isEqualTo(Plan.of(config, 150));
    assertThat(Plan.of(config, 150).isOf(config)).isTrue();
  }

  @Test
  void theWarmUpTakesTheWholeEpochWhereTooLittleWouldBeLeft() {
    for (int steps : new int[] {7, 8, 1_000_000_000}) {
      Plan plan = Plan.atStart(warmingUp("round.warmup-steps=" + steps), 106);
      assertThat(plan).isEqualTo(new Plan(106, 1, 3, 5));
      assertThat(plan.endsEpoch()).isTrue();
    }
    assertThat(Plan.atStart(warmingUp("round.warmup-steps=6"), 106).endsEpoch()).isFalse();
    assertThat(Plan.atStart(warmingUp("round.warmup-steps=0"), 106))
        .isEqualTo(new Plan(106, 2, 2, 5));
    assertThat(Plan.atStart(warmingUp("round.warmup-steps=6", "batch.global-streams=200"), 106))
        .isEqualTo(new Plan(106, 2, 2, 5)); // not a token for every stream of the one
    TrainingConfig one = Runs.config("round.warmup-steps=9", "batch.streams=3", "batch.window=5");
    assertThat(Plan.atStart(one, 106)).isEqualTo(new Plan(106, 1, 3, 5));
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
