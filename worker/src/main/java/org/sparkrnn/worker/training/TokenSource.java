package org.sparkrnn.worker.training;

import java.io.IOException;

/** The tokens of one split as one sequence; a corpus reader's {@code read} is one. */
@FunctionalInterface
public interface TokenSource {
  /** Reads {@code count} tokens from {@code firstToken} on into {@code target}. */
  void read(long firstToken, int[] target, int from, int count) throws IOException;
}
