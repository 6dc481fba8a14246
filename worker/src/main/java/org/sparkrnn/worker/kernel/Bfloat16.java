package org.sparkrnn.worker.kernel;

/**
 * Products of bfloat16 with sums in float32, as the instructions VDPBF16PS of AVX512_BF16 and
 * TDPBF16PS of AMX compute them: docs/numerics.md, section 10. Numbers of bfloat16 are held in
 * floats.
 */
public final class Bfloat16 {
  private static final float SCALE = 0x1p64f;

  private Bfloat16() {}

  /** The nearest number of bfloat16, ties to even; zero if x is subnormal. */
  public static float round(float x) {
    int bits = Float.floatToRawIntBits(x);
    if (Math.abs(x) < Float.MIN_NORMAL) {
      return Float.intBitsToFloat(bits & 0x80000000);
    }
    if (Float.isNaN(x)) {
      return Float.NaN;
    }
    return Float.intBitsToFloat((bits + 0x7fff + (bits >>> 16 & 1)) & 0xffff0000);
  }

  /** {@code sum + odd₁·odd₂ + even₁·even₂}, added in this order. */
  static float dot(float even1, float even2, float odd1, float odd2, float sum) {
    return fma(even1, even2, fma(odd1, odd2, orZero(sum)));
  }

  /** Terms of a chunk of AMX, half of them in each of its two chains. */
  static final int CHUNK = 32;

  /** The next link of one of the chains of a chunk, which begin at +0. */
  static float link(float a, float b, float chain) {
    return fma(a, b, chain);
  }

  /** {@code sum + (even + odd)}: the chains of a chunk have ended. */
  static float addChunk(float even, float odd, float sum) {
    return orZero(orZero(sum) + orZero(even + odd));
  }

  private static float orZero(float x) {
    return Math.abs(x) < Float.MIN_NORMAL ? Math.copySign(0f, x) : x;
  }

  /**
   * {@code a·b + c} rounded to 24 bits; zero if that is below the normal numbers. Whether it is, is
   * judged before rounding to a subnormal number: by the same sum 2^64 times as large.
   */
  private static float fma(float a, float b, float c) {
    float sum = Math.fma(a, b, c);
    if (Math.abs(sum) > Float.MIN_NORMAL) {
      return sum;
    }
    float scaled = Math.abs(Math.fma(a * SCALE, b, c * SCALE));
    return scaled < Float.MIN_NORMAL * SCALE ? Math.copySign(0f, sum) : sum;
  }
}
