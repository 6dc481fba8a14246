package org.sparkrnn.common.errors;

/**
 * A training run whose loss or parameters are no longer finite.
 *
 * <p>The message is one sentence for the user; the program ends with exit code {@value #EXIT_CODE}.
 */
public final class DivergedException extends IllegalStateException {
  public static final int EXIT_CODE = 3;

  public DivergedException(String message) {
    super(message);
  }

  public DivergedException(String message, Throwable cause) {
    super(message, cause);
  }
}
