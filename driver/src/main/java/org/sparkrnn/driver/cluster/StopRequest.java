package org.sparkrnn.driver.cluster;

import java.time.Duration;
import java.util.Optional;

/**
 * Somebody's wish that a run end after its round, now or at a deadline; may be made from any
 * thread, more than once.
 *
 * <p>The wish is only a flag: the loop looks at it between rounds and, for {@code
 * training.stop-grace}, while a round runs.
 */
public final class StopRequest {
  private Optional<Wish> wish = Optional.empty();

  private record Wish(long atNanos, String why) {}

  /** Asks for the end; the first reason stays. */
  public void request(String why) {
    requestAfter(Duration.ZERO, why);
  }

  /** Asks for the end when that time has passed; of several wishes the earliest counts. */
  public synchronized void requestAfter(Duration time, String why) {
    long atNanos = System.nanoTime() + time.toNanos();
    if (wish.isEmpty() || atNanos - wish.get().atNanos < 0) {
      wish = Optional.of(new Wish(atNanos, why));
    }
  }

  /** Why the run shall end, if it shall. */
  public synchronized Optional<String> reason() {
    return wish.filter(made -> System.nanoTime() - made.atNanos >= 0).map(Wish::why);
  }

  /** Nanoseconds since the run shall have ended; negative before a deadline, 0 without a wish. */
  public synchronized long nanosWaiting() {
    if (wish.isEmpty()) {
      return 0;
    }
    long waiting = System.nanoTime() - wish.get().atNanos;
    return waiting < 0 ? waiting : Math.max(1, waiting);
  }

  /** Why something that takes that long would not be finished before the deadline, if so. */
  public synchronized Optional<String> tooLateFor(Duration work) {
    return wish.filter(made -> made.atNanos - System.nanoTime() < work.toNanos()).map(Wish::why);
  }
}
