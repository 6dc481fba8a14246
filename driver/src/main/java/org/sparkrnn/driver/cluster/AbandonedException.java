package org.sparkrnn.driver.cluster;

/** A job that was given up because somebody wanted the run to end and it took too long. */
public final class AbandonedException extends IllegalStateException {
  public AbandonedException(String message) {
    super(message);
  }
}
