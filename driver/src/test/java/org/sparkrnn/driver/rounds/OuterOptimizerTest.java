package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;

class OuterOptimizerTest {
  // All numbers below are dyadic, so the hand-computed values are exact in float.

  @Test
  void averageIsTheAverage() {
    OuterOptimizer outer = OuterOptimizer.average(new float[] {1, 2});
    float[] average = {3, 5};
    outer.step(average);
    assertThat(outer.parameters()).containsExactly(3, 5);
    assertThat(outer.start()).containsExactly(3, 5);
    assertThat(outer.hasState()).isFalse();
  }

  /**
   * By hand, lr = 1, mu = 1/2, w = 0, start = 0:
   *
   * <pre>
   *   A = 1:   G = 1     m = 1            w = 1      start = 1.5
   *   A = 2:   G = 0.5   m = 1            w = 2      start = 2.5
   *   A = 2:   G = -0.5  m = 0            w = 2      start = 2
   * </pre>
   *
   * and each start is A + mu·(A − A before): 1.5, 2.5, 2.
   */
  @Test
  void nesterovAtUnitRateIsBlockMomentum() {
    OuterOptimizer outer = OuterOptimizer.nesterov(1, 0.5, new float[] {0});
    float[] averages = {1, 2, 2};
    float[] parameters = {1, 2, 2};
    float[] velocities = {1, 1, 0};
    float[] starts = {1.5f, 2.5f, 2};
    for (int round = 0; round < 3; round++) {
      outer.step(new float[] {averages[round]});
      assertThat(outer.parameters()).as("w of round %d", round).containsExactly(parameters[round]);
      assertThat(outer.velocity()).as("m of round %d", round).containsExactly(velocities[round]);
      assertThat(outer.start()).as("start of round %d", round).containsExactly(starts[round]);
    }
  }

  /**
   * By hand, lr = 1/2, mu = 1/2, w = 4, start = 4:
   *
   * <pre>
   *   A = 6:   G = 2     m = 2       w = 5        start = 5 + 0.5    = 5.5
   *   A = 5:   G = -0.5  m = 0.5     w = 5.25     start = 5.25+0.125 = 5.375
   *   A = 7:   G = 1.625 m = 1.875   w = 6.1875   start = 6.1875 + 0.46875 = 6.65625
   * </pre>
   */
  @Test
  void nesterovAtHalfRateAgreesWithThreeRoundsByHand() {
    OuterOptimizer outer = OuterOptimizer.nesterov(0.5, 0.5, new float[] {4});
    float[] averages = {6, 5, 7};
    float[] parameters = {5, 5.25f, 6.1875f};
    float[] starts = {5.5f, 5.375f, 6.65625f};
    for (int round = 0; round < 3; round++) {
      outer.step(new float[] {averages[round]});
      assertThat(outer.parameters()).as("w of round %d", round).containsExactly(parameters[round]);
      assertThat(outer.start()).as("start of round %d", round).containsExactly(starts[round]);
    }
  }

  /** DiLoCo and PyTorch keep the look-ahead: θ ← θ + lr·(G + mu·m), m ← mu·m + G. */
  @Test
  void startsAreTheParametersOfDiLoCo() {
    OuterOptimizer outer = OuterOptimizer.nesterov(0.7, 0.9, new float[] {1});
    double theta = 1;
    double m = 0;
    float[] averages = {0.5f, 0.75f, 0.25f, 0.125f};
    for (float average : averages) {
      double g = average - theta;
      m = 0.9 * m + g;
      theta += 0.7 * (g + 0.9 * m);
      outer.step(new float[] {average});
      // Three roundings to float per round, none of a value above 2.
      assertThat((double) outer.start()[0]).isCloseTo(theta, within(3e-6));
    }
  }

  @Test
  void nesterovWithoutMomentumIsTheAverage() {
    long seed = 5;
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    OuterOptimizer outer = OuterOptimizer.nesterov(1, 0, new float[] {0.3f});
    for (int round = 0; round < 100; round++) {
      float average = (float) random.nextGaussian();
      outer.step(new float[] {average});
      assertThat(outer.parameters()).containsExactly(average);
      assertThat(outer.start()).containsExactly(average);
    }
  }

  @Test
  void momentumShrinksWithTheLearningRateAndNeverGrowsWithIt() {
    OuterOptimizer outer = OuterOptimizer.nesterov(1, 0.5, new float[] {0});
    outer.learningRateIs(1);
    outer.step(new float[] {4}); // m = 4, w = 4
    outer.learningRateIs(0.25);
    assertThat(outer.velocity()).containsExactly(1);
    assertThat(outer.parameters()).containsExactly(4);
    assertThat(outer.start()).containsExactly(4.5f);
    outer.learningRateIs(2);
    assertThat(outer.velocity()).containsExactly(1);
    assertThat(outer.innerLearningRate()).isEqualTo(2);
  }

  @Test
  void restoredStateContinuesAsIfNothingHadHappened() {
    OuterOptimizer first = OuterOptimizer.nesterov(0.7, 0.9, new float[] {1, -1});
    first.learningRateIs(1);
    first.step(new float[] {0.4f, 0.3f});
    OuterOptimizer second = OuterOptimizer.nesterov(0.7, 0.9, first.parameters());
    second.restore(first.velocity(), first.start(), first.innerLearningRate());
    for (OuterOptimizer outer : new OuterOptimizer[] {first, second}) {
      outer.learningRateIs(0.3);
      outer.step(new float[] {0.2f, -0.1f});
    }
    assertThat(second.parameters()).containsExactly(first.parameters());
    assertThat(second.start()).containsExactly(first.start());
    assertThat(second.velocity()).containsExactly(first.velocity());
  }

  @Test
  void stateOfAnotherSizeIsRefused() {
    OuterOptimizer outer = OuterOptimizer.nesterov(1, 0.5, new float[3]);
    assertThatThrownBy(() -> outer.restore(new float[2], new float[3], 0))
        .hasMessageContaining("2")
        .hasMessageContaining("3");
    assertThatThrownBy(() -> outer.step(new float[4])).hasMessageContaining("4");
  }

  private static org.assertj.core.data.Offset<Double> within(double value) {
    return org.assertj.core.data.Offset.offset(value);
  }
}
