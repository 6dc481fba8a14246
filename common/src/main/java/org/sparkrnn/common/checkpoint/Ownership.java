package org.sparkrnn.common.checkpoint;

import java.io.IOException;

/** The right to write checkpoints of a run. */
@FunctionalInterface
public interface Ownership {
  /** Of runs that nobody else can reach, such as those of tests. */
  Ownership UNDISPUTED = () -> {};

  /**
   * Checks that the right has not been lost.
   *
   * @throws org.sparkrnn.common.errors.BadInputException if it has
   */
  void require() throws IOException;
}
