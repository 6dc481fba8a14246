package org.sparkrnn.worker.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.function.BooleanSupplier;
import org.sparkrnn.worker.kernel.Kernel;

/**
 * The times of a task's steps, taken from the question whether the task is cancelled, which it asks
 * between two windows; the answer ends it.
 *
 * <p>The first steps, a quarter of the time, are not counted: they are run by the interpreter, and
 * touch memory for the first time. Then tasks wait for each other, so that all of them run during
 * what is counted. Steps that are too short for the clock are taken together.
 */
final class StepTimes implements BooleanSupplier {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final int WARM_STEPS = 2;
  private static final int LEAST_SAMPLES = 3;
  private static final double SHORTEST_SAMPLE_SECONDS = 2e-4;

  private final CyclicBarrier begin;
  private final double seconds;
  private final double[] samples = new double[100_000]; // seconds per step
  private String kernelName = "";
  private long arenaBytes;
  private long createdNanos;
  private long beginNanos;
  private long beginProcessorNanos;
  private long sampleNanos;
  private long endNanos;
  private long endProcessorNanos;
  private int warmSteps = -1; // the first question comes before the first step
  private int stepsPerSample;
  private int stepsInSample;
  private int count;

  StepTimes(CyclicBarrier begin, double seconds) {
    this.begin = begin;
    this.seconds = seconds;
  }

  /** What runs, from the task's own thread. */
  void started(Kernel kernel, long bytes) {
    kernelName = kernel.name();
    arenaBytes = bytes;
    createdNanos = System.nanoTime();
  }

  @Override
  public boolean getAsBoolean() {
    long now = System.nanoTime();
    if (beginNanos == 0) {
      warmUp(now);
      return false;
    }
    stepsInSample++;
    if (stepsInSample < stepsPerSample) {
      return false;
    }
    samples[count++] = (now - sampleNanos) * 1e-9 / stepsInSample;
    stepsInSample = 0;
    sampleNanos = now;
    if (count < samples.length && (count < LEAST_SAMPLES || (now - beginNanos) * 1e-9 < seconds)) {
      return false;
    }
    endNanos = now;
    endProcessorNanos = THREADS.getCurrentThreadCpuTime();
    return true;
  }

  private void warmUp(long now) {
    warmSteps++;
    double elapsed = (now - createdNanos) * 1e-9;
    if (warmSteps < WARM_STEPS || elapsed < seconds / 4) {
      return;
    }
    stepsPerSample = (int) Math.ceil(SHORTEST_SAMPLE_SECONDS / (elapsed / warmSteps));
    try {
      begin.await();
    } catch (InterruptedException | BrokenBarrierException e) {
      throw new IllegalStateException("Cannot measure: another task failed", e);
    }
    beginNanos = System.nanoTime();
    beginProcessorNanos = THREADS.getCurrentThreadCpuTime();
    sampleNanos = beginNanos;
  }

  String kernelName() {
    return kernelName;
  }

  long arenaBytes() {
    return arenaBytes;
  }

  long steps() {
    return (long) count * stepsPerSample;
  }

  double wallSeconds() {
    return (endNanos - beginNanos) * 1e-9;
  }

  double processorSeconds() {
    return (endProcessorNanos - beginProcessorNanos) * 1e-9;
  }

  /** Seconds per step that this share of all samples does not exceed. */
  double secondsPerStep(double share) {
    double[] sorted = Arrays.copyOf(samples, count);
    Arrays.sort(sorted);
    return sorted[(int) (share * (count - 1))];
  }
}
