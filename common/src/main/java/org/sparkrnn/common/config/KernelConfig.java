package org.sparkrnn.common.config;

import java.io.Serializable;

/** The group {@code kernel}. Choice and isa do not change results, precision does. */
public record KernelConfig(Choice choice, Isa isa, Precision precision) implements Serializable {
  /** The implementation that computes. */
  public enum Choice {
    /** Native where it loads, else Java with a warning. */
    AUTO,
    NATIVE,
    JAVA
  }

  /** The instruction set of the native kernel. */
  public enum Isa {
    /** The best that the processor has. */
    AUTO,
    AVX512,
    AVX2,
    PORTABLE
  }

  /** The arithmetic of the products. */
  public enum Precision {
    FLOAT32
  }
}
