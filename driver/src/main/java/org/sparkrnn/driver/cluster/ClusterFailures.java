package org.sparkrnn.driver.cluster;

import org.apache.spark.api.java.JavaSparkContext;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.ClusterFailedException;
import org.sparkrnn.common.errors.DivergedException;

/** Turns what Spark throws into one sentence. */
public final class ClusterFailures {
  private static final int LONGEST_REASON = 600;

  private ClusterFailures() {}

  /**
   * The exception to throw for a failure of Spark.
   *
   * @param doing what could not be done: "finish round 3"
   * @return {@code failure} itself if it already is one of ours, else a {@link
   *     ClusterFailedException}
   */
  public static RuntimeException of(String doing, Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ClusterFailedException
          || cause instanceof BadInputException
          || cause instanceof DivergedException) {
        return (RuntimeException) cause;
      }
    }
    return new ClusterFailedException("Cannot %s: %s".formatted(doing, reason(failure)), failure);
  }

  /**
   * As {@link #of}, if the context has been stopped under us, by a lost master for instance; else
   * {@code failure} itself.
   */
  public static RuntimeException ofContext(
      String doing, JavaSparkContext context, RuntimeException failure) {
    return context.sc().isStopped() && !(failure instanceof AbandonedException)
        ? of(doing, failure)
        : failure;
  }

  /** The first line of Spark's message, which names the task and its last failure. */
  private static String reason(Throwable failure) {
    String message = String.valueOf(failure.getMessage()).strip();
    String line = message.lines().findFirst().orElse(failure.getClass().getName()).strip();
    return line.length() <= LONGEST_REASON ? line : line.substring(0, LONGEST_REASON) + "…";
  }
}
