package org.sparkrnn.common.storage;

import org.sparkrnn.common.errors.BadInputException;

/**
 * Refuses to read what the heap of this JVM cannot hold: an {@code OutOfMemoryError} would name
 * neither the file nor the setting to change, and take the other threads with it.
 */
public final class HeapLimit {
  private HeapLimit() {}

  /** Bytes that all objects of this JVM together may take. */
  static long bytes() {
    return Runtime.getRuntime().maxMemory();
  }

  /**
   * Checks that there could be room.
   *
   * @param path the file to name in the message
   * @param bytes that reading it will allocate at least
   * @throws BadInputException if there cannot
   */
  public static void require(String path, long bytes) {
    if (bytes > bytes()) {
      throw tooLarge(path, bytes);
    }
  }

  static BadInputException tooLarge(String path, long bytes) {
    return new BadInputException(
        "Cannot read %s: it needs %d MiB of the %d MiB of this JVM's heap; give it more memory"
                .formatted(path, bytes >> 20, bytes() >> 20)
            + " (spark.driver.memory)");
  }
}
