package org.sparkrnn.driver.cluster;

import java.util.Optional;

/**
 * Somebody's wish that a run end after its round; may be made from any thread, more than once.
 *
 * <p>The wish is only a flag: the loop looks at it between rounds and, for {@code
 * training.stop-grace}, while a round runs.
 */
public final class StopRequest {
  private Optional<String> reason = Optional.empty();
  private long madeAtNanos;

  /** Asks for the end; the first reason stays. */
  public synchronized void request(String why) {
    if (reason.isEmpty()) {
      reason = Optional.of(why);
      madeAtNanos = System.nanoTime();
    }
  }

  /** Why the run shall end, if it shall. */
  public synchronized Optional<String> reason() {
    return reason;
  }

  /** Nanoseconds since the request; 0 if there is none. */
  public synchronized long nanosWaiting() {
    return reason.isEmpty() ? 0 : Math.max(1, System.nanoTime() - madeAtNanos);
  }
}
