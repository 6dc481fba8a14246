package org.sparkrnn.driver.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.sparkrnn.common.config.RoundConfig.Delta;

class RoundCostTest {
  private static final double GIGABYTE = 1e9;
  private static final double TOLERANCE = 1e-9; // sums of a few doubles
  private static final RoundWork WORK =
      new RoundWork(4, 10_000_000, 0, Delta.FLOAT32, false, 100, 1_000_000, 0.05, 1000, 10);

  @Test
  void replicasThatWaitForSlotsTakeTurns() {
    RoundCost four = RoundCost.of(WORK, new Machines(0, 4, GIGABYTE));
    RoundCost two = RoundCost.of(WORK, new Machines(0, 2, GIGABYTE));
    RoundCost three = RoundCost.of(WORK, new Machines(0, 3, GIGABYTE));

    assertThat(two.compute()).isCloseTo(2 * four.compute(), within(TOLERANCE));
    assertThat(two.serialise()).isCloseTo(2 * four.serialise(), within(TOLERANCE));
    assertThat(two.reduce()).isCloseTo(2 * four.reduce(), within(TOLERANCE));
    assertThat(three.compute()).isEqualTo(two.compute());
  }

  @Test
  void trainingIsLocalStepsAndACopyOfTheParameters() {
    RoundCost cost = RoundCost.of(WORK, new Machines(0, 4, GIGABYTE));
    RoundCost longer = RoundCost.of(WORK.withLocalSteps(200), new Machines(0, 4, GIGABYTE));

    assertThat(longer.compute() - cost.compute()).isCloseTo(100 * 0.05, within(TOLERANCE));
    assertThat(longer.overhead()).isEqualTo(cost.overhead());
    assertThat(cost.compute()).isBetween(5.0, 5.2);
  }

  @Test
  void whatIsSentTravelsBetweenExecutorsOnly() {
    RoundCost local = RoundCost.of(WORK, new Machines(0, 4, GIGABYTE));
    RoundCost one = RoundCost.of(WORK, new Machines(1, 4, GIGABYTE));
    RoundCost four = RoundCost.of(WORK, new Machines(4, 4, GIGABYTE));

    assertThat(local.shuffle()).isZero();
    assertThat(one.shuffle()).isZero();
    // Each of four receives a quarter of 160 MB, a quarter of which it has itself.
    assertThat(four.shuffle()).isCloseTo(0.03, within(TOLERANCE));
    assertThat(four.collect() - local.collect()).isCloseTo(0.04, within(TOLERANCE));
    assertThat(four.broadcast()).isGreaterThan(one.broadcast());
    assertThat(one.broadcast()).isGreaterThan(local.broadcast() + 0.04);
  }

  @Test
  void bytesFollowTheKindOfDifferences() {
    assertThat(WORK.sentBytes()).isEqualTo(160e6);
    assertThat(sending(Delta.BF16).sentBytes()).isEqualTo(80e6);
    assertThat(sending(Delta.INT8).sentBytes()).isEqualTo(40e6 * (1 + 4.0 / 256));
    RoundWork adam =
        new RoundWork(4, 10_000_000, 2, Delta.INT8, false, 100, 1_000_000, 0.05, 1000, 10);
    assertThat(adam.sentBytes()).isEqualTo(40e6 * (1 + 4.0 / 256) + 2 * 160e6);
  }

  @Test
  void theDriversWorkGrowsWithReplicasAndVectors() {
    Machines machines = new Machines(100, 100, GIGABYTE);
    RoundCost few = RoundCost.of(WORK, machines);
    RoundCost many = RoundCost.of(WORK.withReplicas(100), machines);
    RoundWork nesterov =
        new RoundWork(4, 10_000_000, 0, Delta.FLOAT32, true, 100, 1_000_000, 0.05, 1000, 10);

    assertThat(many.schedule()).isGreaterThan(few.schedule() + 0.1);
    assertThat(many.collect()).isEqualTo(few.collect());
    assertThat(few.outerStep()).isZero();
    assertThat(RoundCost.of(nesterov, machines).outerStep()).isBetween(0.01, 0.1);
    assertThat(RoundCost.of(nesterov, machines).checkpoint()).isGreaterThan(2.9 * few.checkpoint());
  }

  @Test
  void theSpeedUpApproachesTheNumberOfReplicasAsRoundsGrowLonger() {
    Machines machines = new Machines(4, 4, GIGABYTE);
    double before = 0;
    for (long steps : new long[] {1, 10, 100, 1000, 10_000}) {
      double speedUp = RoundCost.speedUp(WORK.withLocalSteps(steps), machines);
      assertThat(speedUp).isGreaterThan(before).isLessThan(4);
      before = speedUp;
    }
    assertThat(before).isGreaterThan(3.95);
  }

  private static RoundWork sending(Delta delta) {
    return new RoundWork(4, 10_000_000, 0, delta, false, 100, 1_000_000, 0.05, 1000, 10);
  }
}
