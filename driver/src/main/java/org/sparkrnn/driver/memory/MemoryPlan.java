package org.sparkrnn.driver.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.spark.api.java.JavaSparkContext;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.memory.SparkMemory.Place;

/**
 * A training's needs held against what Spark's settings grant. What cannot fit, whatever happens,
 * is an error; what does not fit when every slot is taken, or leaves Spark too little, a warning.
 * Both name the setting to change and a value that would do.
 */
public final class MemoryPlan {
  private static final long MEBIBYTE = SparkMemory.MEBIBYTE;

  /** What Spark reserves of a heap for itself. */
  private static final long SPARK_HEAP = 300 * MEBIBYTE;

  /** Code, classes, threads and network buffers of a JVM that runs Spark. */
  private static final long JVM_NATIVE = 256 * MEBIBYTE;

  /** Values that are proposed are multiples of it. */
  private static final long STEP = 64 * MEBIBYTE;

  private final RoundMemory needs;
  private final SparkMemory grants;
  private final long tasks;
  private final List<String> errors = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  MemoryPlan(RoundMemory needs, SparkMemory grants) {
    this.needs = needs;
    this.grants = grants;
    this.tasks = Math.min(grants.slots(), needs.replicas());
    checkDriver();
    if (grants.place() == Place.DRIVER) {
      checkMachine();
    } else {
      checkExecutorHeap();
    }
    if (grants.place() == Place.CONTAINERS) {
      checkOverhead();
    }
  }

  /** The plan of a training in a running context. */
  public static MemoryPlan of(JavaSparkContext context, RoundMemory needs) {
    return new MemoryPlan(needs, SparkMemory.of(context));
  }

  /**
   * Checks that the training may fit.
   *
   * @throws BadInputException naming the setting that must change if it cannot
   */
  public void requirePossible() {
    if (!errors.isEmpty()) {
      throw new BadInputException("Cannot train: " + String.join("; ", errors));
    }
  }

  /** What fits only with luck, a sentence each. */
  public List<String> warnings() {
    return List.copyOf(warnings);
  }

  /** What the processes take, in one line. */
  public String summary() {
    String driver =
        "driver %s of %s heap".formatted(mib(driverHeap()), mib(grants.driverHeapBytes()));
    String atOnce = tasks == 1 ? "1 task" : tasks + " tasks";
    if (grants.place() == Place.DRIVER) {
      return "%s and %s outside it, %s at once".formatted(driver, mib(allNative()), atOnce);
    }
    return "executor %s of %s heap and %s outside it%s, %s at once; %s"
        .formatted(
            mib(executorHeap()),
            mib(grants.executorHeapBytes()),
            mib(JVM_NATIVE + allNative()),
            grants.place() == Place.CONTAINERS ? " of " + mib(grants.overheadBytes()) : "",
            atOnce,
            driver);
  }

  private void checkDriver() {
    long results = needs.resultBytes();
    if (grants.maxResultBytes() > 0 && results > grants.maxResultBytes()) {
      errors.add(
          "a round returns %s to the driver, spark.driver.maxResultSize allows %s; set it to %s or lower round.inline-state-bytes"
              .formatted(mib(results), mib(grants.maxResultBytes()), setting(results)));
    }
    String holds =
        grants.place() == Place.DRIVER
            ? "the driver and its %d tasks hold".formatted(tasks)
            : "the driver holds";
    String advice = "set spark.driver.memory to " + setting(driverHeap());
    if (leastDriverHeap() > grants.driverHeapBytes()) {
      errors.add(
          "%s %s on a heap of %s; %s"
              .formatted(holds, mib(leastDriverHeap()), mib(grants.driverHeapBytes()), advice));
    } else if (driverHeap() > grants.driverHeapBytes()) {
      warnings.add(
          "With Spark's own %s, %s %s on a heap of %s; %s"
              .formatted(
                  mib(driverHeap() - leastDriverHeap()),
                  holds,
                  mib(leastDriverHeap()),
                  mib(grants.driverHeapBytes()),
                  advice));
    }
  }

  private void checkMachine() {
    long machine = grants.machineBytes();
    if (allNative() + leastDriverHeap() > machine) {
      errors.add(
          "%d tasks take %s of native memory and %s of heap, the machine has %s; start fewer with --master local[%d]"
              .formatted(
                  tasks,
                  mib(allNative()),
                  mib(leastDriverHeap()),
                  mib(machine),
                  tasksThatFit(machine)));
    } else if (JVM_NATIVE + allNative() + grants.driverHeapBytes() > machine) {
      warnings.add(
          "%d tasks take %s of native memory beside a heap of up to %s, the machine has %s; set spark.driver.memory to %s, or start fewer with --master local[%d]"
              .formatted(
                  tasks,
                  mib(allNative()),
                  mib(grants.driverHeapBytes()),
                  mib(machine),
                  setting(driverHeap()),
                  tasksThatFit(machine - JVM_NATIVE)));
    }
  }

  private long tasksThatFit(long machine) {
    long each = needs.taskNativeBytes() + needs.taskHeapBytes();
    return Math.max(1, (machine - needs.driverBytes()) / Math.max(1, each));
  }

  private void checkExecutorHeap() {
    long one = needs.broadcastBytes() + needs.taskHeapBytes();
    long heap = grants.executorHeapBytes();
    String advice = "set spark.executor.memory to " + setting(executorHeap());
    if (one > heap) {
      errors.add(
          "a task and its broadcasts take %s of heap, an executor has %s; %s"
              .formatted(mib(one), mib(heap), advice));
    } else if (executorHeap() > heap) {
      warnings.add(
          "%d tasks at once and Spark take %s of an executor's heap, which has %s; %s, or spark.executor.cores to %d"
              .formatted(tasks, mib(executorHeap()), mib(heap), advice, slotsThatFit(heap)));
    }
  }

  private long slotsThatFit(long heap) {
    long left = heap - SPARK_HEAP - 2 * needs.broadcastBytes();
    return Math.max(1, left / Math.max(1, needs.taskHeapBytes()));
  }

  private void checkOverhead() {
    long overhead = grants.overheadBytes();
    long container = grants.executorHeapBytes() + overhead;
    long one = needs.broadcastBytes() + needs.taskHeapBytes() + needs.taskNativeBytes();
    long wanted = JVM_NATIVE + allNative();
    String advice = "set spark.executor.memoryOverhead to " + setting(wanted);
    if (one > container) {
      errors.add(
          "a task takes %s of native memory, %s with its heap, a container has %s; %s"
              .formatted(mib(needs.taskNativeBytes()), mib(one), mib(container), advice));
    } else if (wanted > overhead) {
      warnings.add(
          "%d tasks at once and the JVM take %s outside the heap, an executor may have %s and is killed beyond its container's %s; %s"
              .formatted(tasks, mib(wanted), mib(overhead), mib(container), advice));
    }
  }

  private long allNative() {
    return tasks * needs.taskNativeBytes();
  }

  /** What must be on the driver's heap at one moment. */
  private long leastDriverHeap() {
    long ofTasks = grants.place() == Place.DRIVER ? tasks * needs.taskHeapBytes() : 0;
    return needs.driverBytes() + ofTasks;
  }

  /** With Spark's share and the broadcasts' serialized blocks, which may go to disk. */
  private long driverHeap() {
    return leastDriverHeap() + SPARK_HEAP + needs.broadcastBytes();
  }

  /** Broadcasts count twice: as values and as blocks, which may go to disk. */
  private long executorHeap() {
    return SPARK_HEAP + 2 * needs.broadcastBytes() + tasks * needs.taskHeapBytes();
  }

  private static String mib(long bytes) {
    return String.format(Locale.ROOT, "%,d MiB", (bytes + MEBIBYTE - 1) / MEBIBYTE);
  }

  /** As Spark's settings want it, rounded up. */
  private static String setting(long bytes) {
    return (bytes + STEP - 1) / STEP * STEP / MEBIBYTE + "m";
  }
}
