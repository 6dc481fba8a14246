package org.sparkrnn.worker.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ScheduleTest {
  private static final long EPOCH_TOKENS = 1000;

  private static double rate(Schedule schedule, int epoch, long tokensInEpoch) {
    return schedule.learningRate(
        epoch, epoch * EPOCH_TOKENS + tokensInEpoch, (double) tokensInEpoch / EPOCH_TOKENS, 1);
  }

  @Test
  void stepHalvesEveryEpochAfterTheConstantOnes() {
    Schedule schedule =
        new Schedule(
            Runs.config(
                "optimizer.learning-rate=1",
                "schedule.kind=step",
                "schedule.constant-epochs=4",
                "schedule.factor=0.5"));
    double[] expected = {1, 1, 1, 1, 0.5, 0.25, 0.125}; // TensorFlow's reading: 4 epochs at 1
    for (int epoch = 0; epoch < expected.length; epoch++) {
      assertThat(rate(schedule, epoch, 999)).isEqualTo(expected[epoch]);
    }
  }

  @Test
  void charRnnDecaysFromItsTenthEpoch() {
    Schedule schedule =
        new Schedule(
            Runs.config(
                "optimizer.learning-rate=0.002",
                "schedule.kind=step",
                "schedule.constant-epochs=10",
                "schedule.factor=0.97"));
    assertThat(rate(schedule, 9, 0)).isEqualTo(0.002);
    assertThat(rate(schedule, 10, 0)).isEqualTo(0.002 * 0.97);
  }

  @Test
  void cosineIsContinuousFromTheRateToItsEnd() {
    Schedule schedule =
        new Schedule(
            Runs.config(
                "optimizer.learning-rate=1",
                "training.epochs=4",
                "schedule.kind=cosine",
                "schedule.min-learning-rate=0.1"));
    assertThat(rate(schedule, 0, 0)).isEqualTo(1);
    assertThat(rate(schedule, 2, 0)).isCloseTo(0.55, within(1e-12));
    assertThat(rate(schedule, 4, 0)).isCloseTo(0.1, within(1e-12));
    for (int epoch = 0; epoch < 4; epoch++) {
      assertThat(rate(schedule, epoch, EPOCH_TOKENS))
          .isCloseTo(rate(schedule, epoch + 1, 0), within(1e-12));
      assertThat(rate(schedule, epoch, 1)).isLessThan(rate(schedule, epoch, 0));
    }
  }

  @Test
  void warmupRisesOverTokensOfTheRunAndThenStops() {
    Schedule schedule =
        new Schedule(Runs.config("optimizer.learning-rate=1", "schedule.warmup-tokens=2000"));
    assertThat(rate(schedule, 0, 0)).isEqualTo(1 / 2000.0);
    assertThat(rate(schedule, 0, 999)).isEqualTo(0.5);
    assertThat(rate(schedule, 1, 0)).isCloseTo(rate(schedule, 0, 1000), within(1e-12));
    assertThat(rate(schedule, 2, 0)).isEqualTo(1);
  }

  @Test
  void plateauMultipliesTheRateDownToItsEnd() {
    Schedule schedule =
        new Schedule(
            Runs.config(
                "optimizer.learning-rate=1",
                "schedule.kind=plateau",
                "schedule.min-learning-rate=0.2"));
    assertThat(schedule.learningRate(0, 0, 0, 0.5)).isEqualTo(0.5);
    assertThat(schedule.learningRate(0, 0, 0, 0.01)).isEqualTo(0.2);
  }
}
