package org.sparkrnn.driver.rounds;

import java.util.Locale;
import org.apache.spark.executor.TaskMetrics;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/** What Spark counts of the tasks of a round. */
final class TaskTimes extends SparkListener {
  private static final double NANO = 1e-9;
  private static final long LIMIT_MILLIS = 60_000;

  private int tasks;
  private long mapProcessorNanos;
  private long reduceProcessorNanos;
  private long readingProcessorNanos;
  private long shuffleBytes;
  private long remoteBytes;
  private long resultBytes;

  synchronized void reset() {
    tasks = 0;
    mapProcessorNanos = 0;
    reduceProcessorNanos = 0;
    readingProcessorNanos = 0;
    shuffleBytes = 0;
    remoteBytes = 0;
    resultBytes = 0;
  }

  @Override
  public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
    TaskMetrics metrics = end.taskMetrics();
    tasks++;
    if (end.taskType().equals("ShuffleMapTask")) {
      mapProcessorNanos += metrics.executorCpuTime();
      shuffleBytes += metrics.shuffleWriteMetrics().bytesWritten();
    } else {
      reduceProcessorNanos += metrics.executorCpuTime();
      resultBytes += metrics.resultSize();
      remoteBytes += metrics.shuffleReadMetrics().remoteBytesRead();
    }
    readingProcessorNanos += metrics.executorDeserializeCpuTime();
    notifyAll();
  }

  /** Events come after the job has ended. */
  synchronized void awaitTasks(int expected) {
    long limit = System.currentTimeMillis() + LIMIT_MILLIS;
    while (tasks < expected && System.currentTimeMillis() < limit) {
      try {
        wait(LIMIT_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  synchronized double mapProcessorSeconds() {
    return NANO * mapProcessorNanos;
  }

  synchronized double reduceProcessorSeconds() {
    return NANO * reduceProcessorNanos;
  }

  /** The rest, as members of a JSON object. */
  synchronized String json() {
    return String.format(
        Locale.ROOT,
        "\"reading_cpu\":%.4f,\"shuffle_bytes\":%d,\"remote_bytes\":%d,\"result_bytes\":%d",
        NANO * readingProcessorNanos,
        shuffleBytes,
        remoteBytes,
        resultBytes);
  }
}
