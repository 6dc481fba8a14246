package org.sparkrnn.worker.model;

import org.sparkrnn.common.errors.BadInputException;

/**
 * How the next token is chosen from a model's distribution.
 *
 * @param temperature what logits are divided by; 0 takes the most probable token
 * @param topK only the most probable ones, that many; 0: all
 * @param topP only the most probable ones that together have this probability; 1: all
 * @param seed of the random numbers
 */
public record Sampling(double temperature, int topK, double topP, long seed) {
  public Sampling {
    if (!(temperature >= 0 && temperature <= Float.MAX_VALUE)) {
      throw new BadInputException(
          "Cannot generate: --temperature must be at least 0, got " + temperature);
    }
    if (topK < 0) {
      throw new BadInputException("Cannot generate: --top-k must be at least 0, got " + topK);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new BadInputException(
          "Cannot generate: --top-p must be above 0 and at most 1, got " + topP);
    }
  }
}
