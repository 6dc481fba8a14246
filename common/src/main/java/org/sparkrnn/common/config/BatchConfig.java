package org.sparkrnn.common.config;

import java.io.Serializable;

/**
 * The group {@code batch}.
 *
 * @param streams rows that the tokens of each replica are cut into
 * @param window time steps that gradients flow back through; most steps of a sequence
 * @param bucketBatches batches of sequences that are sorted by length together
 */
public record BatchConfig(int streams, int window, int bucketBatches) implements Serializable {
  private static final int MOST_BUCKET_BATCHES = 1 << 16;

  public BatchConfig {
    Checks.requirePositive("batch.streams", streams);
    Checks.requirePositive("batch.window", window);
    Checks.requirePositive("batch.bucket-batches", bucketBatches);
    Checks.requireAtMost("batch.bucket-batches", MOST_BUCKET_BATCHES, bucketBatches);
  }
}
