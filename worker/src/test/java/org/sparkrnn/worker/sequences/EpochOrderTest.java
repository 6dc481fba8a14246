package org.sparkrnn.worker.sequences;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.config.TaskConfig.Bidirectional;
import org.sparkrnn.common.config.TaskConfig.Pooling;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.Plan;

class EpochOrderTest {
  private static final int[] LENGTHS = new java.util.SplittableRandom(3).ints(103, 1, 30).toArray();

  private static SampleSequences source() {
    ModelSpec spec =
        SampleSequences.spec(
            CellKind.LSTM,
            1,
            Task.CLASSIFICATION,
            Bidirectional.NONE,
            Pooling.LAST,
            Input.ONE_HOT,
            0f);
    return new SampleSequences(spec, 5, LENGTHS);
  }

  @Test
  void permutationsHaveEveryNumberOnce() {
    for (int size : new int[] {1, 2, 3, 4, 5, 16, 17, 64, 65, 1000}) {
      for (int epoch = 0; epoch < 3; epoch++) {
        Permutation order = new Permutation(size, 7, epoch);
        long[] numbers = LongStream.range(0, size).map(order::at).sorted().toArray();
        assertThat(numbers).isEqualTo(LongStream.range(0, size).toArray());
      }
    }
    Permutation huge = new Permutation((1L << 52) - 3, 7, 0);
    assertThat(huge.at((1L << 52) - 4)).isBetween(0L, (1L << 52) - 4);
  }

  @Test
  void permutationsDifferByEpochAndSeed() {
    assertThat(first(7, 0)).isNotEqualTo(first(7, 1)).isNotEqualTo(first(8, 0));
    assertThat(first(7, 0)).isEqualTo(first(7, 0));
  }

  private static long[] first(long seed, int epoch) {
    Permutation order = new Permutation(1000, seed, epoch);
    return LongStream.range(0, 20).map(order::at).toArray();
  }

  @Test
  void replicasTakeEverySequenceOnce() throws IOException {
    for (int bucket : new int[] {1, 3, 100}) {
      for (int replicas : new int[] {1, 3}) {
        List<Long> taken = new ArrayList<>();
        Plan plan = new Plan(LENGTHS.length, replicas, 4, 30, Plan.Unit.SEQUENCES);
        for (int r = 0; r < replicas; r++) {
          for (long step = 0; step < plan.steps(r); step++) {
            long[] batch = batch(plan, r, step, bucket);
            assertThat(batch.length).isEqualTo((int) plan.tokensInStep(r, step));
            Arrays.stream(batch).forEach(taken::add);
          }
          assertThat(plan.tokensInStep(r, plan.steps(r))).isZero();
        }
        assertThat(taken).hasSize(LENGTHS.length).doesNotHaveDuplicates();
        assertThat(plan.trainedTokens()).isEqualTo(LENGTHS.length);
      }
    }
  }

  /** A new order for every call: a batch depends on nothing that was asked before. */
  private static long[] batch(Plan plan, int replica, long step, int bucket) throws IOException {
    long[] numbers = new long[plan.streams()];
    int count = order(plan, replica, bucket).batch(step, numbers);
    return Arrays.copyOf(numbers, count);
  }

  private static EpochOrder order(Plan plan, int replica, int bucket) {
    return new EpochOrder(
        source(),
        11,
        2,
        replica,
        plan.tokens(),
        plan.firstToken(replica),
        plan.predictions(replica),
        plan.streams(),
        bucket);
  }

  @Test
  void bucketsHaveLessPaddingAndNoOrderByLength() throws IOException {
    Plan plan = new Plan(LENGTHS.length, 1, 4, 30, Plan.Unit.SEQUENCES);
    assertThat(padding(plan, 25)).isLessThan(padding(plan, 1) / 4);
    List<Integer> longest = new ArrayList<>();
    for (long step = 0; step < 25; step++) {
      longest.add(
          Arrays.stream(batch(plan, 0, step, 25))
              .mapToInt(i -> LENGTHS[(int) i])
              .max()
              .orElseThrow());
    }
    assertThat(longest).isNotEqualTo(longest.stream().sorted().toList());
  }

  private static int padding(Plan plan, int bucket) throws IOException {
    int padding = 0;
    EpochOrder order = order(plan, 0, bucket);
    long[] numbers = new long[plan.streams()];
    for (long step = 0; step < plan.steps(0); step++) {
      int count = order.batch(step, numbers);
      int[] lengths = Arrays.stream(numbers, 0, count).mapToInt(i -> LENGTHS[(int) i]).toArray();
      int longest = Arrays.stream(lengths).max().orElseThrow();
      padding += Arrays.stream(lengths).map(length -> longest - length).sum();
    }
    return padding;
  }
}
