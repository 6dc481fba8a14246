package org.sparkrnn.worker.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PlanTest {

  @Test
  void partsCoverTheSplitOnce() {
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 1000; i++) {
      long tokens = random.nextLong(200);
      long end = i % 2 == 0 ? tokens : random.nextLong(tokens + 1);
      Plan plan =
          new Plan(
              tokens,
              i % 3 == 0 ? 0 : random.nextLong(end + 1),
              end,
              1 + random.nextInt(9),
              1 + random.nextInt(5),
              1 + random.nextInt(7),
              Plan.Unit.TOKENS);
      long covered = plan.end() - plan.first();
      long predictions = 0;
      for (int replica = 0; replica < plan.replicas(); replica++) {
        assertThat(plan.firstToken(replica))
            .as("%s, replica %d", plan, replica)
            .isEqualTo(plan.first() + replica * covered / plan.replicas());
        predictions += plan.predictions(replica);
        long trained = 0;
        for (long step = 0; step < plan.steps(); step++) {
          trained += plan.tokensInStep(replica, step);
        }
        assertThat(trained).isEqualTo(plan.rowLength(replica) * plan.streams());
        if (trained > 0) {
          long lastLabel = plan.rowStart(replica, plan.streams() - 1) + plan.rowLength(replica);
          assertThat(lastLabel)
              .isLessThanOrEqualTo(Math.min(plan.firstToken(replica + 1), plan.tokens() - 1));
        }
      }
      long labelled = Math.max(0, Math.min(plan.end(), tokens - 1) - plan.first());
      assertThat(predictions).as("%s", plan).isEqualTo(labelled);
      assertThat(plan.trainedTokens() + plan.droppedTokens()).isEqualTo(predictions);
    }
  }

  @Test
  void tokensBeforeAStepAreThoseOfTheStepsBefore() {
    Plan plan = new Plan(101, 3, 2, 4);
    long before = 0;
    for (long step = 0; step <= plan.steps(); step++) {
      assertThat(plan.tokensBefore(step)).isEqualTo(before);
      for (int replica = 0; replica < 3; replica++) {
        before += plan.tokensInStep(replica, step);
      }
    }
  }

  @Test
  void unequalPartsTakeUnequalSteps() {
    Plan plan = new Plan(32, 3, 1, 5); // parts of 10, 11, 11; the last has no label behind it
    assertThat(plan.predictions(0)).isEqualTo(10);
    assertThat(plan.predictions(1)).isEqualTo(11);
    assertThat(plan.predictions(2)).isEqualTo(10);
    assertThat(plan.steps(0)).isEqualTo(2);
    assertThat(plan.steps(1)).isEqualTo(3);
    assertThat(plan.steps()).isEqualTo(3);
    assertThat(plan.timeInStep(1, 2)).isEqualTo(1);
    assertThat(plan.timeInStep(0, 2)).isZero();
  }

  @Test
  void replicaShorterThanAWindowTrainsAShortOne() {
    Plan plan = new Plan(41, 10, 2, 35);
    assertThat(plan.rowLength(0)).isEqualTo(2);
    assertThat(plan.timeInStep(0, 0)).isEqualTo(2);
    assertThat(plan.steps()).isEqualTo(1);
  }

  @Test
  void moreReplicasThanTokensLeaveEmptyParts() {
    Plan plan = new Plan(3, 5, 1, 4);
    assertThat(plan.trainedTokens()).isEqualTo(2);
    assertThat(plan.rowLength(0)).isZero();
    assertThat(plan.rowLength(4)).isZero();
  }

  @Test
  void oneTokenPredictsNothing() {
    Plan plan = new Plan(1, 1, 1, 1);
    assertThat(plan.steps()).isZero();
    assertThat(plan.trainedTokens()).isZero();
    assertThat(new Plan(0, 2, 3, 4).steps()).isZero();
  }

  @Test
  void pennTreebankHasThePapersWindows() {
    Plan plan = new Plan(929_589, 1, 20, 20);
    assertThat(plan.rowLength(0)).isEqualTo(46_479);
    assertThat(plan.steps()).isEqualTo(2_324); // 2323 of 20 steps and one of 19
  }

  @Test
  void productsBeyondLongAreNotFormed() {
    Plan plan = new Plan(Long.MAX_VALUE / 2, 100_000, 1, 1);
    assertThat(plan.firstToken(100_000)).isEqualTo(plan.tokens());
    assertThat(plan.firstToken(50_000)).isEqualTo(plan.tokens() / 2);
  }

  @Test
  void impossibleNumbersAreRefused() {
    assertThatThrownBy(() -> new Plan(10, 0, 1, 1))
        .hasMessageContaining("10 tokens for 0 replicas");
  }
}
