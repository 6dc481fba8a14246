package org.sparkrnn.common.errors;

/**
 * A cluster that refuses, loses or does not finish the work it was given.
 *
 * <p>The message is one sentence for the user; the program ends with exit code {@value #EXIT_CODE}.
 */
public final class ClusterFailedException extends IllegalStateException {
  public static final int EXIT_CODE = 4;

  public ClusterFailedException(String message) {
    super(message);
  }

  public ClusterFailedException(String message, Throwable cause) {
    super(message, cause);
  }
}
