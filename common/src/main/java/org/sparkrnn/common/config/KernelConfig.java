package org.sparkrnn.common.config;

import java.io.Serializable;

/**
 * The group {@code kernel}. Precision changes results, nothing else does.
 *
 * @param bf16Emulation whether bfloat16 may be emulated, slowly, where the processor lacks it
 */
public record KernelConfig(Choice choice, Isa isa, Precision precision, boolean bf16Emulation)
    implements Serializable {
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

  /** What the operands of products are rounded to; everything else is float32. */
  public enum Precision {
    FLOAT32,
    /** bfloat16, added in pairs as AVX512_BF16 does. */
    BF16,
    /** bfloat16, added in chunks as AMX does: other last bits. */
    BF16_AMX
  }
}
