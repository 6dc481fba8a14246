package org.sparkrnn.common.errors;

import java.io.IOException;

/**
 * A file whose bytes are not what its format, length or checksum promises. The message names the
 * file and, where there is one, the byte offset; the command line ends with exit code 2.
 */
public final class CorruptFileException extends IOException {
  public CorruptFileException(String message) {
    super(OneLine.of(message));
  }

  public CorruptFileException(String message, Throwable cause) {
    super(OneLine.of(message), cause);
  }
}
