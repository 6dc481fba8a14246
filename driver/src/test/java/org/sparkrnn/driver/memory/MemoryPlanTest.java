package org.sparkrnn.driver.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.memory.SparkMemory.Place;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.TaskMemory;

/** Needs and grants in mebibytes: a vector of 100, a task of 250 heap and 600 native. */
class MemoryPlanTest {
  private static final long MIB = 1 << 20;
  private static final long MACHINE = 16_384;
  private static final RoundMemory NEEDS =
      new RoundMemory(3, 100 * MIB, 1, 1, 0, new TaskMemory(600 * MIB, 250 * MIB));

  @Test
  void whatFitsIsNeitherRefusedNorWarnedOf() {
    for (Place place : Place.values()) {
      MemoryPlan plan =
          plan(
              place,
              2,
              4096,
              Map.of("spark.executor.memory", "2g", "spark.executor.memoryOverhead", "1536m"));
      plan.requirePossible();
      assertThat(plan.warnings()).as(place.name()).isEmpty();
    }
  }

  @Test
  void theHeapThatTwoTasksNeedIsProposed() {
    // A task: 250 and a slice of 25. Two of them, Spark's 300, broadcasts as values and blocks.
    MemoryPlan plan = plan(Place.PROCESSES, 2, 4096, Map.of("spark.executor.memory", "1g"));
    plan.requirePossible();
    assertThat(plan.warnings())
        .containsExactly(
            "2 tasks at once and Spark take 1,050 MiB of an executor's heap, which has 1,024 MiB;"
                + " set spark.executor.memory to 1088m, or spark.executor.cores to 1");
    Map<String, String> asProposed = Map.of("spark.executor.memory", "1088m");
    assertThat(plan(Place.PROCESSES, 2, 4096, asProposed).warnings()).isEmpty();
  }

  @Test
  void anExecutorThatHoldsNoTaskIsRefused() {
    assertThatThrownBy(
            plan(Place.PROCESSES, 1, 4096, Map.of("spark.executor.memory", "370m"))
                ::requirePossible)
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("a task and its broadcasts take 375 MiB of heap")
        .hasMessageContaining("set spark.executor.memory to 832m");
  }

  @Test
  void nativeMemoryMustFitTheOverheadOfAContainerOnly() {
    Map<String, String> heap = Map.of("spark.executor.memory", "2g");
    assertThat(plan(Place.PROCESSES, 2, 4096, heap).warnings()).isEmpty();
    MemoryPlan plan = plan(Place.CONTAINERS, 2, 4096, heap);
    plan.requirePossible();
    assertThat(plan.warnings())
        .containsExactly(
            "2 tasks at once and the JVM take 1,456 MiB outside the heap, an executor may have 384"
                + " MiB and is killed beyond its container's 2,432 MiB; set"
                + " spark.executor.memoryOverhead to 1472m");
    assertThatThrownBy(
            plan(Place.CONTAINERS, 1, 4096, Map.of("spark.executor.memory", "512m"))
                ::requirePossible)
        .hasMessageContaining("a task takes 600 MiB of native memory")
        .hasMessageContaining("a container has 896 MiB")
        .hasMessageContaining("set spark.executor.memoryOverhead to 896m");
  }

  @Test
  void overheadFollowsSparksSettings() {
    assertThat(overhead(Map.of("spark.executor.memory", "8g"))).isEqualTo(819);
    assertThat(overhead(Map.of("spark.executor.memory", "1g"))).isEqualTo(384);
    assertThat(overhead(Map.of("spark.executor.memoryOverheadFactor", "0.7"))).isEqualTo(716);
    assertThat(overhead(Map.of("spark.executor.memoryOverhead", "2g"))).isEqualTo(2048);
    assertThat(overhead(Map.of("spark.executor.memoryOverhead", "500"))).isEqualTo(500);
  }

  @Test
  void tasksAtOnceAreCoresOverCoresOfATaskAndAtMostTheReplicas() {
    SparkConf conf = new SparkConf(false).set("spark.task.cpus", "3");
    assertThat(SparkMemory.of(Place.PROCESSES, conf, 8, 1, 1).slots()).isEqualTo(2);
    assertThat(plan(Place.PROCESSES, 16, 4096, Map.of()).summary()).contains("3 tasks at once");
  }

  @Test
  void theDriversHeapHoldsTheRoundAndInLocalModeItsTasks() {
    // What it keeps, slices, what they are put together to: 300. Warned of without room for Spark.
    assertThatThrownBy(plan(Place.PROCESSES, 1, 299, Map.of())::requirePossible)
        .hasMessageContaining("the driver holds 300 MiB on a heap of 299 MiB")
        .hasMessageContaining("set spark.driver.memory to 704m");
    assertThat(plan(Place.PROCESSES, 1, 301, Map.of()).warnings())
        .anyMatch(warning -> warning.endsWith("set spark.driver.memory to 704m"));
    assertThat(plan(Place.PROCESSES, 1, 704, Map.of()).warnings()).isEmpty();
    assertThatThrownBy(plan(Place.DRIVER, 2, 840, Map.of())::requirePossible)
        .hasMessageContaining("the driver and its 2 tasks hold 850 MiB on a heap of 840 MiB");
  }

  @Test
  void tasksThatTheMachineCannotHoldAreRefusedWithTheNumberItCan() {
    SparkConf conf = new SparkConf(false);
    SparkMemory small = SparkMemory.of(Place.DRIVER, conf, 4, 2000 * MIB, 2500 * MIB);
    assertThatThrownBy(new MemoryPlan(NEEDS, small)::requirePossible)
        .hasMessageContaining("3 tasks take 1,800 MiB of native memory")
        .hasMessageContaining("start fewer with --master local[2]");
    SparkMemory tight = SparkMemory.of(Place.DRIVER, conf, 4, 2000 * MIB, 4000 * MIB);
    assertThat(new MemoryPlan(NEEDS, tight).warnings())
        .containsExactly(
            "3 tasks take 1,800 MiB of native memory beside a heap of up to 2,000 MiB, the machine"
                + " has 4,000 MiB; set spark.driver.memory to 1536m, or start fewer with --master local[3]");
  }

  @Test
  void resultsThatSparkWouldRefuseAreRefused() {
    RoundMemory carrying = new RoundMemory(20, MIB, 1, 1, 8 * MIB, new TaskMemory(0, MIB));
    SparkConf conf = new SparkConf(false).set("spark.driver.maxResultSize", "100m");
    SparkMemory grants = SparkMemory.of(Place.PROCESSES, conf, 1, 4096 * MIB, MACHINE * MIB);
    assertThatThrownBy(new MemoryPlan(carrying, grants)::requirePossible)
        .hasMessageContaining(
            "a round returns 161 MiB to the driver, spark.driver.maxResultSize allows 100 MiB; set"
                + " it to 192m or lower round.inline-state-bytes");
    conf.set("spark.driver.maxResultSize", "0");
    new MemoryPlan(carrying, SparkMemory.of(Place.PROCESSES, conf, 1, 4096 * MIB, MACHINE * MIB))
        .requirePossible();
  }

  @Test
  void needsFollowTheSettings() {
    String small = "model.hidden=10\nmodel.embedding=10\nbatch.streams=3\n";
    RoundMemory plain = needs(small + "optimizer.kind=sgd");
    long vector = plain.vectorBytes();
    assertThat(plain.broadcastBytes()).isEqualTo(vector);
    assertThat(plain.carriedBytes()).as("two states of two layers").isEqualTo(4 * 3 * 4 * 10);
    RoundMemory averaged =
        needs(small + "optimizer { kind = adam, state = average }\nouter.kind = nesterov");
    assertThat(averaged.broadcastBytes()).as("start and two moments").isEqualTo(3 * vector);
    assertThat(averaged.driverBytes() - 2 * averaged.carriedBytes())
        .as("parameters, two outer vectors, two moments; twice the start and two moments")
        .isEqualTo(11 * vector);
    RoundMemory local = needs(small + "optimizer { kind = adam, state = keep-local }");
    assertThat(local.carriedBytes()).isEqualTo(plain.carriedBytes() + 2 * vector);
    RoundMemory filed =
        needs(
            small + "optimizer { kind = adam, state = keep-local }\nround.inline-state-bytes = 99");
    assertThat(filed.carriedBytes()).isZero();
  }

  private static RoundMemory needs(String settings) {
    TrainingConfig config = TrainingConfig.load(settings, List.of());
    return RoundMemory.of(config, ModelSpec.of(config.model(), 50));
  }

  private static long overhead(Map<String, String> settings) {
    SparkConf conf = new SparkConf(false);
    settings.forEach(conf::set);
    return SparkMemory.of(Place.CONTAINERS, conf, 1, 1, 1).overheadBytes() / MIB;
  }

  private static MemoryPlan plan(
      Place place, int cores, long driverHeap, Map<String, String> settings) {
    SparkConf conf = new SparkConf(false);
    settings.forEach(conf::set);
    return new MemoryPlan(
        NEEDS, SparkMemory.of(place, conf, cores, driverHeap * MIB, MACHINE * MIB));
  }
}
