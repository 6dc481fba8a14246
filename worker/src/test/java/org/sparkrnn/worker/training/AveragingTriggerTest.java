package org.sparkrnn.worker.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.config.OptimizerConfig;

class AveragingTriggerTest {

  private static OptimizerConfig config(int nonMonotone) {
    return Runs.config(
            "optimizer.kind=nt-asgd",
            "optimizer.state=average",
            "optimizer.non-monotone=" + nonMonotone)
        .optimizer();
  }

  /** As AWD-LSTM's main.py has it: losses seen so far, the present one not among them. */
  private static boolean pulls(List<Double> before, double loss, int nonMonotone) {
    return before.size() > nonMonotone
        && loss > Collections.min(before.subList(0, before.size() - nonMonotone));
  }

  @Test
  void isPulledWhenTheLossIsAboveTheBestOfAllButTheLast() {
    SplittableRandom random = new SplittableRandom(11);
    int pulled = 0;
    for (int run = 0; run < 200; run++) {
      int nonMonotone = 1 + run % 5;
      AveragingTrigger trigger = AveragingTrigger.start();
      List<Double> before = new ArrayList<>();
      for (int step = 10; step < 300 && !trigger.isPulled(); step += 10) {
        double loss = 5 - 0.01 * step + random.nextDouble();
        boolean expected = pulls(before, loss, nonMonotone);
        trigger = trigger.after(config(nonMonotone), step, loss);
        assertThat(trigger.isPulled()).isEqualTo(expected);
        assertThat(trigger.from()).isEqualTo(expected ? step : -1);
        before.add(loss);
      }
      pulled += trigger.isPulled() ? 1 : 0;
    }
    assertThat(pulled).isGreaterThan(50);
  }

  @Test
  void staysPulledAndIsNotForOtherOptimizers() {
    AveragingTrigger pulled = new AveragingTrigger(7, Double.POSITIVE_INFINITY, List.of());
    assertThat(pulled.after(config(1), 9, 0.1)).isEqualTo(pulled);
    AveragingTrigger start = AveragingTrigger.start();
    assertThat(start.after(Runs.config().optimizer(), 9, 0.1)).isEqualTo(start);
  }
}
