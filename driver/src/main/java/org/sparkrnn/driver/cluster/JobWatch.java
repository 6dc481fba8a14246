package org.sparkrnn.driver.cluster;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.api.java.JavaFutureAction;
import org.sparkrnn.common.errors.ClusterFailedException;

/**
 * Waits for Spark jobs, but not for ever: a hung task, a cluster without a free slot or a lost
 * master are never noticed by Spark itself.
 */
public final class JobWatch {
  private static final long POLL_MILLIS = 100;

  private final StopRequest stop;
  private final Duration timeout;
  private final Duration stopGrace;

  /**
   * @param timeout {@code round.timeout}
   * @param stopGrace {@code training.stop-grace}
   */
  public JobWatch(StopRequest stop, Duration timeout, Duration stopGrace) {
    this.stop = stop;
    this.timeout = timeout;
    this.stopGrace = stopGrace;
  }

  /**
   * The result of a job that has been submitted.
   *
   * @param doing for messages: "finish round 3"
   * @throws ClusterFailedException if it failed or took too long; it is cancelled then
   * @throws AbandonedException if a stop was requested and the grace is over
   */
  public <T> T await(String doing, JavaFutureAction<T> job) {
    long begin = System.nanoTime();
    while (true) {
      try {
        return job.get(POLL_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        if (System.nanoTime() - begin > timeout.toNanos()) {
          job.cancel(true);
          throw new ClusterFailedException(
              ("Cannot %s within round.timeout = %s: a task hangs, or no executor has a free slot;"
                      + " look at the Spark UI, raise round.timeout or lower round.local-steps")
                  .formatted(doing, text(timeout)),
              e);
        }
        if (stop.nanosWaiting() > stopGrace.toNanos()) {
          job.cancel(true);
          throw new AbandonedException(
              "Cannot %s within training.stop-grace = %s after %s"
                  .formatted(doing, text(stopGrace), stop.reason().orElse("the stop request")));
        }
      } catch (ExecutionException e) {
        throw ClusterFailures.of(doing, e.getCause() == null ? e : e.getCause());
      } catch (InterruptedException e) {
        job.cancel(true);
        Thread.currentThread().interrupt();
        throw new AbandonedException("Cannot %s: interrupted".formatted(doing));
      }
    }
  }

  private static String text(Duration duration) {
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + "s"
        : duration.toMillis() + "ms";
  }
}
