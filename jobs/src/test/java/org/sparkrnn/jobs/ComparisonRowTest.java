package org.sparkrnn.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkrnn.jobs.ComparisonRow.Evaluated;

class ComparisonRowTest {
  @Test
  void whatWasNotEvaluatedIsLeftOut() {
    ComparisonRow row = new ComparisonRow("gru", 24, 5000, Double.NaN, 0, true, List.of());

    assertThat(row.bestLoss()).isNaN();
    assertThat(row.fields(row.bestLoss()))
        .containsOnlyKeys("cell", "diverged", "hidden", "parameters", "training_seconds");
  }

  @Test
  void theTimeIsThatOfTheFirstEvaluationThatIsGoodEnough() {
    List<Evaluated> evaluations =
        List.of(new Evaluated(1, 10, 3.0), new Evaluated(2, 20, 2.0), new Evaluated(3, 30, 1.5));
    ComparisonRow row = new ComparisonRow("gru", 24, 5000, 100, 3, false, evaluations);

    assertThat(row.fields(2.5))
        .containsEntry("validation_loss_nats", 1.5)
        .containsEntry("loss_nats", 2.5)
        .containsEntry("seconds_to_loss", 2.0)
        .containsEntry("tokens_to_loss", 20L);
    assertThat(row.fields(1.0)).doesNotContainKey("seconds_to_loss");
  }
}
