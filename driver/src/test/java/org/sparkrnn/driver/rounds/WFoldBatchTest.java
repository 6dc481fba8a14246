package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.corpus.TokenReader;
import org.sparkrnn.common.storage.LocalFiles;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.reference.ReferenceModel;
import org.sparkrnn.worker.training.Plan;
import org.sparkrnn.worker.training.TrainingCheckpoint;

/**
 * Promise 4: replicas that average after every step of plain SGD are one machine with all their
 * rows in one batch, here the reference in double.
 */
@Timeout(180)
class WFoldBatchTest {
  private static final int REPLICAS = 3;
  private static final int STEPS = 10;

  /** Relative to the parameter, and to 1/100 of the largest for those that happen to be near 0. */
  private static final double TOLERANCE = 1e-6;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"lstm", "gru"})
  void averagingAfterEveryStepIsOneBatchOfAllReplicas(String cell) throws IOException {
    // Rows of 39, 39 and 38 tokens: in the tenth step the replicas weigh 9, 9 and 6 tokens.
    Path corpus = TestRuns.corpus(folder.resolve("corpus"), 71, 351, 0);
    TrainingConfig config =
        TestRuns.config(
            corpus.toString(),
            folder.resolve("run"),
            Map.of(
                "training.replicas",
                REPLICAS,
                "training.epochs",
                1,
                "round.local-steps",
                1,
                "model.cell",
                cell));
    try (SparkTestCluster cluster = SparkTestCluster.local(2, Serialization.KRYO)) {
      Trainer.run(cluster.context(), config, TrainOptions.start(), List.of());
    }
    LocalFiles files = new LocalFiles();
    TrainingCheckpoint end =
        TrainingCheckpoint.open(
            new CheckpointStore(files, config.checkpoint().path()).newest().orElseThrow());
    assertThat(end.state().step()).isEqualTo(STEPS);
    float[] trained = end.parameters();

    CorpusReader reader = new CorpusReader(files, corpus.toString());
    double[] expected;
    try (TokenReader tokens = reader.tokens("train")) {
      expected = oneBatch(config, end.spec(), end.state().plan(), tokens);
    }
    double largest = 0;
    for (double value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    double worst = 0;
    for (int i = 0; i < trained.length; i++) {
      double size = Math.max(Math.abs(expected[i]), largest / 100);
      worst = Math.max(worst, Math.abs(trained[i] - expected[i]) / size);
    }
    System.out.println(cell + ": largest relative difference " + worst);
    assertThat(worst).isLessThan(TOLERANCE);
  }

  /** Plain SGD on the mean loss of all rows of all replicas, in double. */
  private static double[] oneBatch(
      TrainingConfig config, ModelSpec spec, Plan plan, TokenReader tokens) throws IOException {
    assertThat(plan.timeInStep(0, STEPS - 1)).isEqualTo(3);
    assertThat(plan.timeInStep(REPLICAS - 1, STEPS - 1)).isEqualTo(2);
    float[] start = spec.initialise(config.model(), config.training().seed());
    double[] parameters = new double[start.length];
    for (int i = 0; i < start.length; i++) {
      parameters[i] = start[i];
    }
    double[][] states = new double[REPLICAS][spec.stateFloats(plan.streams())];
    for (int step = 0; step < STEPS; step++) {
      long all = plan.tokensBefore(step + 1) - plan.tokensBefore(step);
      double[] gradient = new double[parameters.length];
      for (int replica = 0; replica < REPLICAS; replica++) {
        int time = plan.timeInStep(replica, step);
        int[] inputs = new int[time * plan.streams()];
        int[] labels = new int[time * plan.streams()];
        int[] row = new int[time + 1];
        for (int stream = 0; stream < plan.streams(); stream++) {
          tokens.read(
              plan.rowStart(replica, stream) + (long) step * plan.window(), row, 0, time + 1);
          for (int t = 0; t < time; t++) {
            inputs[t * plan.streams() + stream] = row[t];
            labels[t * plan.streams() + stream] = row[t + 1];
          }
        }
        ReferenceModel model = new ReferenceModel(spec, plan.streams(), parameters);
        model.forward(time, inputs, labels, states[replica], ReferenceModel.withoutDropout(spec));
        double[] own = model.backward(1.0 / all, ReferenceModel.withoutDropout(spec)).parameters();
        for (int i = 0; i < own.length; i++) {
          gradient[i] += own[i];
        }
        states[replica] = model.finalState();
      }
      for (int i = 0; i < parameters.length; i++) {
        parameters[i] -= config.optimizer().learningRate() * gradient[i];
      }
    }
    return parameters;
  }
}
