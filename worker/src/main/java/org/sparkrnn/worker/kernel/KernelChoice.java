package org.sparkrnn.worker.kernel;

/** The setting {@code kernel.choice}. */
public enum KernelChoice {
  /** The native kernel where it loads; else the Java kernel, with a warning that says why. */
  AUTO,
  NATIVE,
  JAVA
}
