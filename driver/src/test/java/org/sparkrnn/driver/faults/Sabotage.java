package org.sparkrnn.driver.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * What goes wrong in training tasks on purpose. {@link SabotageAgent} calls it in executors; the
 * driver says what shall happen by properties that its jobs take with them.
 */
public final class Sabotage {
  /** Where a task is. */
  public enum Phase {
    READ,
    FORWARD,
    BACKWARD,
    SERIALIZATION
  }

  /** What it does there. */
  public enum Deed {
    THROW,
    /** The executor ends without a word. */
    EXIT,
    /** For ever, and deaf to interrupts. */
    HANG,
    /** Only waits a little. */
    WAIT
  }

  private static final List<Deed> FAILURES = List.of(Deed.THROW, Deed.EXIT, Deed.HANG);

  /** Rounds of {@link #everyWayOnce}. */
  static final int WAYS = Phase.values().length * FAILURES.size();

  private static final String WAY = "sparkrnn.sabotage.way";
  private static final String MARKS = "sparkrnn.sabotage.marks";
  private static final String EVERY_WAY = "every way";
  private static final String GROUP = "spark-rnn round ";

  private Sabotage() {}

  /**
   * From now on, one attempt of one replica's task fails in every round, each time in another way:
   * the first one that gets there, since others may be lost with an executor that failed before.
   *
   * @param marks folder in which every way that happened leaves a file
   */
  static void everyWayOnce(JavaSparkContext context, Path marks) {
    context.setLocalProperty(WAY, EVERY_WAY);
    context.setLocalProperty(MARKS, marks.toString());
  }

  /** From now on, all attempts of all tasks that get there do so. */
  static void always(JavaSparkContext context, Phase phase, Deed deed) {
    context.setLocalProperty(WAY, phase + " " + deed);
  }

  /**
   * As {@link #always} with {@link Deed#HANG}.
   *
   * @param marks folder in which every process that hangs leaves a file, named as it is numbered
   */
  static void alwaysHang(JavaSparkContext context, Phase phase, Path marks) {
    always(context, phase, Deed.HANG);
    context.setLocalProperty(MARKS, marks.toString());
  }

  static void never(JavaSparkContext context) {
    context.setLocalProperty(WAY, null);
    context.setLocalProperty(MARKS, null);
  }

  /** Called wherever a task reaches a phase. */
  public static void reached(Phase phase) {
    TaskContext task = TaskContext.get();
    String way = task == null ? null : task.getLocalProperty(WAY);
    String group = task == null ? null : task.getLocalProperty("spark.jobGroup.id");
    if (way == null || group == null || !group.startsWith(GROUP)) {
      return;
    }
    if (!way.equals(EVERY_WAY)) {
      List<String> words = List.of(way.split(" ", 2));
      if (Phase.valueOf(words.get(0)) == phase) {
        String marks = task.getLocalProperty(MARKS);
        if (marks != null) {
          mark(Path.of(marks, "" + ProcessHandle.current().pid()));
        }
        commit(Deed.valueOf(words.get(1)), way);
      }
      return;
    }
    int round = Integer.parseInt(group.substring(GROUP.length()));
    int index = (round - 1) % WAYS;
    Deed deed = FAILURES.get(index % FAILURES.size());
    boolean chosen = task.partitionId() == round % task.numPartitions();
    if (chosen && Phase.values()[index / FAILURES.size()] == phase) {
      String name = (phase + "-" + deed).toLowerCase(Locale.ROOT);
      if (mark(Path.of(task.getLocalProperty(MARKS), name))) {
        commit(deed, name + " in round " + round);
      }
    }
  }

  /** Returns whether nobody has done so before. */
  private static boolean mark(Path file) {
    try {
      Files.createFile(file);
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void commit(Deed deed, String name) {
    switch (deed) {
      case THROW -> throw new IllegalStateException("injected: " + name);
      case EXIT -> Runtime.getRuntime().halt(3);
      case WAIT -> LockSupport.parkNanos(100_000_000);
      case HANG -> {
        while (true) {
          Thread.interrupted(); // or park would not wait
          LockSupport.parkNanos(10_000_000);
        }
      }
    }
  }
}
