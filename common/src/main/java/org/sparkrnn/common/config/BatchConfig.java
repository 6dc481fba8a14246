package org.sparkrnn.common.config;

import java.io.Serializable;
import java.util.OptionalInt;
import org.sparkrnn.common.errors.BadInputException;

/**
 * The group {@code batch}.
 *
 * @param streams rows that the tokens of each replica are cut into
 * @param globalStreams rows of one replica in the place of all, as in the warm-up
 * @param window time steps that gradients flow back through; most steps of a sequence
 * @param windowLengths whether the window is so long in every step
 * @param bucketBatches batches of sequences that are sorted by length together
 */
public record BatchConfig(
    int streams, int globalStreams, int window, WindowLengths windowLengths, int bucketBatches)
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
    Checks.requirePositive("batch.global-streams", globalStreams);
    Checks.requirePositive("batch.window", window);
    Checks.requirePositive("batch.bucket-batches", bucketBatches);
    Checks.requireAtMost("batch.bucket-batches", MOST_BUCKET_BATCHES, bucketBatches);
    if (windowLengths == WindowLengths.DRAWN && window < SHORTEST_DRAWN) {
      throw new BadInputException(
          "batch.window must be at least %d with batch.window-lengths = drawn, got %d"
              .formatted(SHORTEST_DRAWN, window));
    }
  }

  /**
   * What the keys of the group mean for that many replicas.
   *
   * @param streams empty for {@code auto}
   * @param globalStreams likewise
   */
  static BatchConfig of(
      OptionalInt streams,
      OptionalInt globalStreams,
      int window,
      WindowLengths windowLengths,
      int bucketBatches,
      int replicas) {
    int global = globalStreams.orElse(streams.orElse(ReplicaDefaults.globalStreams()));
    return new BatchConfig(
        streams.orElse(ReplicaDefaults.streams(global, replicas)),
        global,
        window,
        windowLengths,
        bucketBatches);
  }
}
