package org.sparkrnn.common.config;

import java.io.Serializable;

/** The group {@code outer}: the step that the driver takes with the averaged parameters. */
public record OuterConfig(Kind kind, double learningRate, double momentum) implements Serializable {
  /** The rule of the outer step. */
  public enum Kind {
    /** The average is the new parameter vector. */
    AVERAGE,
    /** Nesterov momentum on the change of the average (Chen and Huo 2016). */
    NESTEROV
  }

  public OuterConfig {
    Checks.requirePositive("outer.learning-rate", learningRate);
    Checks.requireShare("outer.momentum", momentum);
  }
}
