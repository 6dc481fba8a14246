package org.sparkrnn.common.config;

import java.io.Serializable;
import org.sparkrnn.common.errors.BadInputException;

/**
 * The group {@code batch}.
 *
 * @param streams rows that the tokens of each replica are cut into
 * @param window time steps that gradients flow back through; most steps of a sequence
 * @param windowLengths whether the window is so long in every step
 * @param bucketBatches batches of sequences that are sorted by length together
 */
public record BatchConfig(int streams, int window, WindowLengths windowLengths, int bucketBatches)
    implements Serializable {
  private static final int MOST_BUCKET_BATCHES = 1 << 16;
  private static final int SHORTEST_DRAWN = 10;

  /** How long the window of a step is. */
  public enum WindowLengths {
    /** Always {@code window}. */
    FIXED,
    /** Around {@code window}, seldom around its half (Merity et al. 2018). */
    DRAWN
  }

  public BatchConfig {
    Checks.requirePositive("batch.streams", streams);
    Checks.requirePositive("batch.window", window);
    Checks.requirePositive("batch.bucket-batches", bucketBatches);
    Checks.requireAtMost("batch.bucket-batches", MOST_BUCKET_BATCHES, bucketBatches);
    if (windowLengths == WindowLengths.DRAWN && window < SHORTEST_DRAWN) {
      throw new BadInputException(
          "batch.window must be at least %d with batch.window-lengths = drawn, got %d"
              .formatted(SHORTEST_DRAWN, window));
    }
  }
}
