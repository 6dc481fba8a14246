package org.sparkrnn.common.config;

import java.io.Serializable;

/**
 * The group {@code outer}: the step that the driver takes with the averaged parameters.
 *
 * @param learningRate 1 for {@link Kind#AVERAGE}
 * @param momentum 0 for {@link Kind#AVERAGE}
 */
public record OuterConfig(Kind kind, double learningRate, double momentum) implements Serializable {
  /** The rule of the outer step. */
  public enum Kind {
    /** The average is the new parameter vector. */
    AVERAGE,
    /** Nesterov momentum on the change of the average (Chen and Huo 2016). */
    NESTEROV
  }

  /** What {@code outer.kind} says. */
  enum Choice {
    /** By the number of replicas. */
    AUTO,
    AVERAGE,
    NESTEROV;

    private Kind kind(int replicas) {
      return switch (this) {
        case AUTO -> ReplicaDefaults.outerKind(replicas);
        case AVERAGE -> Kind.AVERAGE;
        case NESTEROV -> Kind.NESTEROV;
      };
    }
  }

  public OuterConfig {
    Checks.requirePositive("outer.learning-rate", learningRate);
    Checks.requireShare("outer.momentum", momentum);
  }

  /** What the keys of the group mean for that many replicas. */
  static OuterConfig of(Choice choice, double learningRate, double momentum, int replicas) {
    OuterConfig nesterov = new OuterConfig(Kind.NESTEROV, learningRate, momentum);
    return choice.kind(replicas) == Kind.NESTEROV ? nesterov : new OuterConfig(Kind.AVERAGE, 1, 0);
  }
}
