package org.sparkrnn.worker.kernel;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.LoggerFactory;
import org.sparkrnn.common.config.KernelConfig;
import org.sparkrnn.common.config.KernelConfig.Isa;
import org.sparkrnn.common.config.KernelConfig.Precision;

/** How products of the native kernel are computed: ARITHMETIC_… in kernel.h. */
enum Arithmetic {
  FLOAT32(0, Precision.FLOAT32),
  /** By the processor's instruction. */
  BF16(1, Precision.BF16),
  /** By float32 instructions, slowly. */
  BF16_EMULATED(2, Precision.BF16),
  BF16_AMX(3, Precision.BF16_AMX),
  BF16_AMX_EMULATED(4, Precision.BF16_AMX);

  private static final AtomicBoolean WARNED_OF_AMX = new AtomicBoolean();

  private final int code;
  private final Precision precision;

  Arithmetic(int code, Precision precision) {
    this.code = code;
    this.precision = precision;
  }

  /**
   * What the settings ask for.
   *
   * @throws BadInputException if the processor can only emulate the precision and may not
   */
  static Arithmetic of(KernelConfig config) {
    return switch (config.precision()) {
      case FLOAT32 -> FLOAT32;
      case BF16 -> {
        Arithmetic chosen = orEmulated(config, BF16, BF16_EMULATED);
        if (chosen == BF16 && BF16_AMX.isSupported(config.isa())) {
          warnOfAmx();
        }
        yield chosen;
      }
      case BF16_AMX -> orEmulated(config, BF16_AMX, BF16_AMX_EMULATED);
    };
  }

  private static Arithmetic orEmulated(
      KernelConfig config, Arithmetic processors, Arithmetic emulated) {
    if (processors.isSupported(config.isa())) {
      return processors;
    }
    if (!config.bf16Emulation()) {
      String instructions = processors == BF16 ? "AVX512_BF16" : "AMX_BF16";
      throw Kernel.onlyEmulated(
          config.precision(),
          processors.isSupported(Isa.AUTO)
              ? "kernel.isa = %s only emulates it".formatted(text(config.isa()))
              : "this processor has no %s and could only emulate it".formatted(instructions));
    }
    return emulated;
  }

  /** Processors that have both multiply tiles of AMX at ten times the rate of AVX512_BF16. */
  private static void warnOfAmx() {
    if (!WARNED_OF_AMX.getAndSet(true)) {
      LoggerFactory.getLogger(Kernel.class)
          .warn(
              "kernel.precision = bf16 uses AVX512_BF16, which on this processor is slower than float32;"
                  + " bf16-amx would use its AMX, many times faster, with other last bits");
    }
  }

  static String text(Isa isa) {
    return isa.name().toLowerCase(Locale.ROOT);
  }

  Precision precision() {
    return precision;
  }

  /** Whether this processor runs it by an instruction set; see {@link #variant}. */
  boolean isSupported(Isa isa) {
    return variant(isa) != 0;
  }

  /**
   * The library's number of the variant; 0 if this processor does not run it.
   *
   * @throws IllegalStateException with the reason, if the library is not there
   */
  int variant(Isa isa) {
    return variant(code(isa), code);
  }

  private static int variant(int isa, int arithmetic) {
    NativeLibrary.require();
    return NativeCalls.variant(isa, arithmetic);
  }

  /** ISA_… in kernel.h. */
  private static int code(Isa isa) {
    return switch (isa) {
      case AUTO -> 0;
      case AVX512 -> 1;
      case AVX2 -> 2;
      case PORTABLE -> 3;
    };
  }
}
