package org.sparkrnn.worker.kernel;

/** The setting {@code kernel.isa}: the variant of the native kernel. */
public enum KernelIsa {
  /** The fastest that this processor runs. */
  AUTO,
  AVX512,
  AVX2,
  PORTABLE
}
