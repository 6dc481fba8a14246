package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.config.OuterConfig;

class OuterOptimizerTest {
  // All numbers below are dyadic, so the hand-computed values are exact in float.

  @Test
  void averageIsTheAverage() {
    OuterOptimizer outer = average(new float[] {1, 2});
    float[] average = {3, 5};
    outer = outer.step(average);
    assertThat(outer.parameters()).containsExactly(3, 5);
    assertThat(outer.start()).containsExactly(3, 5);
    assertThat(outer.state()).isEmpty();
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
    OuterOptimizer outer = nesterov(1, 0.5, new float[] {0});
    float[] averages = {1, 2, 2};
    float[] parameters = {1, 2, 2};
    float[] velocities = {1, 1, 0};
    float[] starts = {1.5f, 2.5f, 2};
    for (int round = 0; round < 3; round++) {
      outer = outer.step(new float[] {averages[round]});
      assertThat(outer.parameters()).as("w of round %d", round).containsExactly(parameters[round]);
      assertThat(outer.state().get("momentum"))
          .as("m of round %d", round)
          .containsExactly(velocities[round]);
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
    OuterOptimizer outer = nesterov(0.5, 0.5, new float[] {4});
    float[] averages = {6, 5, 7};
    float[] parameters = {5, 5.25f, 6.1875f};
    float[] starts = {5.5f, 5.375f, 6.65625f};
    for (int round = 0; round < 3; round++) {
      outer = outer.step(new float[] {averages[round]});
      assertThat(outer.parameters()).as("w of round %d", round).containsExactly(parameters[round]);
      assertThat(outer.start()).as("start of round %d", round).containsExactly(starts[round]);
    }
  }

  /** DiLoCo and PyTorch keep the look-ahead: θ ← θ + lr·(G + mu·m), m ← mu·m + G. */
  @Test
  void startsAreTheParametersOfDiLoCo() {
    OuterOptimizer outer = nesterov(0.7, 0.9, new float[] {1});
    double theta = 1;
    double m = 0;
    float[] averages = {0.5f, 0.75f, 0.25f, 0.125f};
    for (float average : averages) {
      double g = average - theta;
      m = 0.9 * m + g;
      theta += 0.7 * (g + 0.9 * m);
      outer = outer.step(new float[] {average});
      // Three roundings to float per round, none of a value above 2.
      assertThat((double) outer.start()[0]).isCloseTo(theta, within(3e-6));
    }
  }

  @Test
  void nesterovWithoutMomentumIsTheAverage() {
    long seed = 5;
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    OuterOptimizer outer = nesterov(1, 0, new float[] {0.3f});
    for (int round = 0; round < 100; round++) {
      float average = (float) random.nextGaussian();
      outer = outer.step(new float[] {average});
      assertThat(outer.parameters()).containsExactly(average);
      assertThat(outer.start()).containsExactly(average);
    }
  }

  @Test
  void momentumShrinksWithTheLearningRateAndNeverGrowsWithIt() {
    OuterOptimizer outer = nesterov(1, 0.5, new float[] {0}).step(new float[] {4}); // m = w = 4
    OuterOptimizer lower = outer.afterLearningRate(1, 0.25);
    assertThat(lower.state().get("momentum")).containsExactly(1);
    assertThat(lower.parameters()).containsExactly(4);
    assertThat(lower.start()).containsExactly(4.5f);
    assertThat(outer.afterLearningRate(0.25, 1)).isSameAs(outer);
  }

  @Test
  void restoredStateContinuesAsIfNothingHadHappened() {
    OuterConfig config = new OuterConfig(OuterConfig.Kind.NESTEROV, 0.7, 0.9);
    OuterOptimizer first =
        OuterOptimizer.start(config, new float[] {1, -1}).step(new float[] {0.4f, 0.3f});
    OuterOptimizer second = OuterOptimizer.restore(config, first.parameters(), first.state());
    float[] average = {0.2f, -0.1f};
    first = first.afterLearningRate(1, 0.3).step(average);
    second = second.afterLearningRate(1, 0.3).step(average);
    assertThat(second.parameters()).containsExactly(first.parameters());
    assertThat(second.start()).containsExactly(first.start());
    assertThat(second.state().get("momentum")).containsExactly(first.state().get("momentum"));
  }

  @Test
  void stateOfAnotherSizeIsRefused() {
    OuterConfig config = new OuterConfig(OuterConfig.Kind.NESTEROV, 1, 0.5);
    TreeMap<String, float[]> state = new TreeMap<>();
    state.put("momentum", new float[2]);
    state.put("start", new float[3]);
    assertThatThrownBy(() -> OuterOptimizer.restore(config, new float[3], state))
        .hasMessageContaining("2")
        .hasMessageContaining("3");
    OuterOptimizer outer = OuterOptimizer.start(config, new float[3]);
    assertThatThrownBy(() -> outer.step(new float[4])).hasMessageContaining("4");
  }

  private static OuterOptimizer average(float[] parameters) {
    return OuterOptimizer.start(new OuterConfig(OuterConfig.Kind.AVERAGE, 1, 0), parameters);
  }

  private static OuterOptimizer nesterov(double rate, double momentum, float[] parameters) {
    return OuterOptimizer.start(
        new OuterConfig(OuterConfig.Kind.NESTEROV, rate, momentum), parameters);
  }

  private static org.assertj.core.data.Offset<Double> within(double value) {
    return org.assertj.core.data.Offset.offset(value);
  }
}
