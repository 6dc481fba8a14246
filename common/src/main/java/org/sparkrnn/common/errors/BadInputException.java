package org.sparkrnn.common.errors;

/**
 * A file, setting or argument that the user has to correct.
 *
 * <p>The message is one sentence for the user; the program ends with exit code {@value #EXIT_CODE}.
 */
public final class BadInputException extends IllegalArgumentException {
  public static final int EXIT_CODE = 2;

  public BadInputException(String message) {
    super(OneLine.of(message));
  }

  public BadInputException(String message, Throwable cause) {
    super(OneLine.of(message), cause);
  }
}
