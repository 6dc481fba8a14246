package org.sparkrnn.worker.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.worker.model.ModelSpec;

class StepRateTest {
  private static final double GIGA = 1e9;

  @Test
  void operationsAreThoseOfTheProductsThreeTimes() {
    assertThat(StepRate.flopsPerToken(spec("model.hidden=20", "model.embedding=30")))
        .isEqualTo(6 * (80 * (30 + 20) + 80 * (20 + 20) + 50 * 20));
    // A one-hot token selects a column: no product.
    assertThat(StepRate.flopsPerToken(spec("model.hidden=20", "model.input=one-hot")))
        .isEqualTo(6 * (80 * 20 + 80 * (20 + 20) + 50 * 20));
    assertThat(
            StepRate.flopsPerToken(
                spec("model.hidden=20", "model.projection=7", "model.embedding=30")))
        .isEqualTo(6 * (80 * (30 + 7) + 80 * (7 + 7) + 2 * 7 * 20 + 50 * 7));
    assertThat(StepRate.flopsPerToken(spec("model.cell=gru", "model.layers=1", "model.hidden=20")))
        .isEqualTo(6 * (60 * (128 + 20) + 50 * 20));
  }

  @Test
  void clustersAreCountedAsOftenAsZipfsLawHasTheirWords() {
    String[] adaptive = {
      "model.hidden=20", "model.embedding=30", "model.softmax=adaptive", "model.softmax-cutoffs=1,2"
    };
    ModelSpec spec = ModelSpec.of(config(adaptive).model(), 4);
    double layers = 80 * (30 + 20) + 80 * (20 + 20);
    double all = 1 + 1.0 / 2 + 1.0 / 3 + 1.0 / 4;
    double clusters = 0.5 / all * 5 * (20 + 1) + (1.0 / 3 + 1.0 / 4) / all * (20 + 2);
    assertThat(StepRate.flopsPerToken(spec))
        .isCloseTo(6 * (layers + 3 * 20 + clusters), within(1e-6));
  }

  @Test
  void aSampledSoftmaxIsCountedWithItsSample() {
    String[] sampled = {
      "model.hidden=20", "model.embedding=30", "model.softmax=sampled", "model.softmax-samples=5"
    };
    ModelSpec spec = ModelSpec.of(config(sampled).model(), 100);
    double layers = 80 * (30 + 20) + 80 * (20 + 20);
    assertThat(StepRate.flopsPerToken(spec)).isCloseTo(6 * (layers + 5 * 20), within(1e-6));
  }

  @Test
  void aStepTakesItsOperationsAndAPassOverTheParameters() {
    StepRate rate = new StepRate(GIGA);
    TrainingConfig sgd = config("optimizer.kind=sgd", "batch.streams=20", "batch.window=35");
    TrainingConfig twice = config("optimizer.kind=sgd", "batch.streams=40", "batch.window=35");
    TrainingConfig adam = config("optimizer.kind=adam", "batch.streams=20", "batch.window=35");
    ModelSpec spec = ModelSpec.of(sgd.model(), 50);
    double products = 700 * StepRate.flopsPerToken(spec) / GIGA;

    assertThat(rate.secondsPerStep(sgd, spec)).isGreaterThan(products);
    assertThat(rate.secondsPerStep(twice, spec) - rate.secondsPerStep(sgd, spec))
        .isCloseTo(products, within(1e-9));
    assertThat(rate.secondsPerStep(adam, spec)).isGreaterThan(rate.secondsPerStep(sgd, spec));
    assertThat(new StepRate(2 * GIGA).secondsPerStep(sgd, spec))
        .isLessThan(rate.secondsPerStep(sgd, spec));
  }

  @Test
  void theMachineIsMeasuredWithAModelOfTheSameKind() {
    for (String kind :
        List.of(
            "model.input=one-hot",
            "model.cell=gru",
            "model.dropout=0.5",
            "model.projection=700",
            "model.softmax=adaptive")) {
      // Larger than what is measured: 2000 units would take seconds with the Java kernel.
      TrainingConfig config =
          config(
              kind,
              "model.softmax-cutoffs=1000,25000",
              "model.hidden=2000",
              "batch.streams=1",
              "batch.window=2",
              "kernel.choice=java");
      StepRate rate =
          StepRate.measure(config, ModelSpec.of(config.model(), 30_000), Duration.ofMillis(1));

      assertThat(rate.flopsPerSecond()).as(kind).isBetween(1e5, 1e12);
    }
  }

  @Test
  void noRateIsRefused() {
    assertThatThrownBy(() -> new StepRate(0)).hasMessageContaining("0.0 operations per second");
    assertThatThrownBy(() -> new StepRate(Double.NaN)).hasMessageContaining("NaN");
  }

  private static ModelSpec spec(String... settings) {
    return ModelSpec.of(config(settings).model(), 50);
  }

  private static TrainingConfig config(String... settings) {
    return TrainingConfig.load("", List.of(settings));
  }
}
