package org.sparkrnn.worker.training;

import java.io.IOException;
import java.util.Arrays;

/**
 * Tokens and labels of one window, {@code [time · streams]}: position {@code step · streams +
 * stream}. The label of a token is the one that follows it.
 */
final class WindowReader {
  private final TokenSource source;
  private final int streams;
  private final int[] tokens;
  private final int[] labels;
  private final int[] row;

  WindowReader(TokenSource source, int streams, int window) {
    this.source = source;
    this.streams = streams;
    this.tokens = new int[streams * window];
    this.labels = new int[streams * window];
    this.row = new int[window + 1];
  }

  /** Fills the positions of one stream from the {@code time + 1} tokens that begin there. */
  void read(int stream, long firstToken, int time) throws IOException {
    source.read(firstToken, row, 0, time + 1);
    for (int step = 0; step < time; step++) {
      tokens[step * streams + stream] = row[step];
      labels[step * streams + stream] = row[step + 1];
    }
  }

  /** Fills all positions with token 0, for streams that have ended. */
  void clear() {
    Arrays.fill(tokens, 0);
    Arrays.fill(labels, 0);
  }

  int[] tokens() {
    return tokens;
  }

  int[] labels() {
    return labels;
  }
}
