package org.sparkrnn.driver.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.config.RoundConfig.Delta;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.driver.LocalSpark;
import org.sparkrnn.driver.metrics.RunDescription;
import org.sparkrnn.driver.metrics.TrainingListener;
import org.sparkrnn.driver.rounds.TestRuns;
import org.sparkrnn.driver.rounds.TrainOptions;
import org.sparkrnn.driver.rounds.Trainer;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.Plan;
import org.sparkrnn.worker.training.StepRate;

class CostForecastTest {
  private static final double GIGABYTE = 1e9;
  private static final Machines TWO_SLOTS = new Machines(0, 2, GIGABYTE);

  @RegisterExtension static final LocalSpark spark = new LocalSpark(2);

  @TempDir Path folder;

  @Test
  void oneLineTellsWhatARoundTakesAndWhatReplicasBring() {
    assertThat(new CostForecast(work(2, 1000), TWO_SLOTS).summary())
        .matches(
            "a round of 1,000 steps takes about 5[0-9]\\.\\d s: training 5\\d\\.\\d s, averaging"
                + " and scheduling 0\\.\\d\\d s; checkpoints add 0\\.\\d\\d s; 37 MB are sent; 2"
                + " replicas, 2 at once, train 1\\.9\\d times as fast as one");
    assertThat(new CostForecast(work(1, 1000), TWO_SLOTS).summary())
        .endsWith("checkpoints add 0.01 s");
  }

  @Test
  void whatFitsIsNotWarnedOf() {
    for (int replicas : new int[] {1, 2, 4, 8}) {
      assertThat(new CostForecast(work(replicas, 200), TWO_SLOTS).warning())
          .as("%d replicas", replicas)
          .isEmpty();
    }
  }

  @Test
  void whereAveragingTakesLongerThanStepsMoreOfThemAreProposed() {
    RoundWork work = work(8, 1);
    String warning = new CostForecast(work, TWO_SLOTS).warning().orElseThrow();
    Matcher proposed =
        Pattern.compile(
                "8 replicas will train 0\\.\\d\\d times as fast as one, 1 would 1\\.00 times; set"
                    + " training\\.replicas = 1, or round\\.local-steps = (\\d+) \\(1\\.8\\d"
                    + " times\\)")
            .matcher(warning);
    assertThat(proposed.matches()).as(warning).isTrue();

    RoundWork asProposed = work.withLocalSteps(Long.parseLong(proposed.group(1)));
    assertThat(new CostForecast(asProposed, TWO_SLOTS).warning()).isEmpty();
    assertThat(RoundCost.speedUp(asProposed, TWO_SLOTS)).isGreaterThan(1.75);
  }

  @Test
  void noMoreLocalStepsAreProposedThanAnEpochHas() {
    RoundWork work = new RoundWork(8, 4_653_200, 0, Delta.FLOAT32, false, 1, 12, 0.055, 8000, 5);
    assertThat(new CostForecast(work, TWO_SLOTS).warning().orElseThrow())
        .contains("or round.local-steps = 12 (1.");
  }

  @Test
  void whereReplicasWaitForSlotsFewerOrMoreSlotsAreProposed() {
    assertThat(new CostForecast(work(3, 1000), TWO_SLOTS).warning().orElseThrow())
        .matches(
            "3 replicas will train 1\\.\\d\\d times as fast as one, 2 would 1\\.9\\d times; set"
                + " training\\.replicas = 2, or give Spark 3 slots in place of 2 \\(2\\.9\\d"
                + " times\\)");
  }

  @Test
  void shortTrainingsAreNotAdvised() {
    CostForecast forecast = new CostForecast(work(3, 1000), TWO_SLOTS);
    String warning = forecast.warning().orElseThrow();
    assertThat(forecast.lines(1000)).containsExactly(forecast.summary(), warning);
    assertThat(forecast.lines(0)).containsExactly(forecast.summary());
  }

  @Test
  void theWorkIsWhatTheSettingsSay() {
    TrainingConfig config =
        TrainingConfig.load(
            "",
            List.of(
                "training.replicas=3",
                "optimizer.state=average",
                "outer.kind=nesterov",
                "round.delta=int8",
                "round.local-steps=7",
                "batch.streams=2",
                "batch.window=5",
                "forecast.gflops=2"));
    ModelSpec spec = ModelSpec.of(config.model(), 30);
    StepRate rate = CostForecast.rate(config, spec);
    RoundWork work = RoundWork.of(config, spec, Plan.of(config, 100_000), rate);

    assertThat(rate.flopsPerSecond()).isEqualTo(2e9);
    assertThat(work.replicas()).isEqualTo(3);
    assertThat(work.parameters()).isEqualTo(spec.layout().size());
    assertThat(work.averagedMoments()).isEqualTo(2); // adam's
    assertThat(work.delta()).isEqualTo(Delta.INT8);
    assertThat(work.nesterov()).isTrue();
    assertThat(work.localSteps()).isEqualTo(7);
    assertThat(work.stepSeconds()).isEqualTo(rate.secondsPerStep(config, spec));
    // 33 333 tokens of a replica are 3 333 windows of 10, 477 rounds.
    assertThat(work.roundsPerCheckpoint()).isEqualTo(477);
    // An epoch of four steps ends a round of seven.
    assertThat(RoundWork.of(config, spec, Plan.of(config, 121), rate).localSteps()).isEqualTo(4);
  }

  @Test
  void aCoreIsMeasuredWhereNothingIsSaid() {
    TrainingConfig config = TrainingConfig.load("", List.of("model.hidden=64"));
    double flops = CostForecast.rate(config, ModelSpec.of(config.model(), 30)).flopsPerSecond();

    assertThat(flops).isBetween(1e6, 1e13);
  }

  @Test
  void inLocalModeSlotsAreTheDriversProcessors() {
    Machines machines = Machines.of(spark.context(), 8, GIGABYTE);

    assertThat(machines)
        .isEqualTo(
            new Machines(0, Math.min(2, Runtime.getRuntime().availableProcessors()), GIGABYTE));
    assertThat(machines.secondsToSpread(1e9)).isZero();
    assertThat(new Machines(1, 1, GIGABYTE).secondsToSpread(1e9)).isEqualTo(1, within(1e-9));
  }

  @Test
  void aTrainingTellsItsCostBeforeItBegins() throws IOException {
    Path corpus = TestRuns.corpus(folder.resolve("corpus"), 91, 400, 0);
    Map<String, Object> settings =
        Map.of("training.replicas", 3, "training.epochs", 1, "round.local-steps", 2);
    List<String> costs = new ArrayList<>();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void started(RunDescription run) {
            costs.addAll(run.costs());
          }
        };
    Trainer.run(
        spark.context(),
        TestRuns.config(corpus.toString(), folder.resolve("run"), settings),
        TrainOptions.start(),
        List.of(listener));

    assertThat(costs).hasSize(1);
    assertThat(costs.get(0))
        .matches("a round of 2 steps takes about .*; 3 replicas, \\d at once, train .*");
  }

  private static RoundWork work(int replicas, long localSteps) {
    return new RoundWork(
        replicas, 4_653_200, 0, Delta.FLOAT32, false, localSteps, 10_000, 0.055, 8000, 5);
  }
}
