package org.sparkrnn.driver.tokenize;

import java.io.IOException;

/**
 * Text that cannot be tokenized, whoever tries: retrying the task would not help. Tasks hand its
 * message to the driver as a result.
 */
final class TextProblemException extends IOException {
  TextProblemException(String message) {
    super(message);
  }

  TextProblemException(String message, Throwable cause) {
    super(message, cause);
  }
}
