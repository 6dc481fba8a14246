package org.sparkrnn.common.config;

import java.io.Serializable;

/**
 * The group {@code batch}.
 *
 * @param streams rows that the tokens of each replica are cut into
 * @param window time steps that gradients flow back through
 */
public record BatchConfig(int streams, int window) implements Serializable {
  public BatchConfig {
    Checks.requirePositive("batch.streams", streams);
    Checks.requirePositive("batch.window", window);
  }
}
