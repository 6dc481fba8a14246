package org.sparkrnn.common.config;

import java.io.Serializable;

/**
 * The group {@code display}: what a person sees while training runs and when it has ended.
 *
 * @param sampleLength tokens of the sample generated at the end, 0 for none
 * @param samplePrompt text that the sample continues; empty: it starts a new line
 */
public record DisplayConfig(Progress progress, int sampleLength, String samplePrompt)
    implements Serializable {
  /** The form of progress on standard error. */
  public enum Progress {
    /** A bar on a terminal, plain lines elsewhere. */
    AUTO,
    BAR,
    PLAIN,
    NONE
  }

  public DisplayConfig {
    Checks.requireNotNegative("display.sample-length", sampleLength);
  }
}
