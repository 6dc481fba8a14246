package org.sparkrnn.worker.kernel;

/**
 * exp, sigmoid and tanh in float32 as fixed sequences of IEEE operations: the same bits in Java and
 * C, on every processor. docs/numerics.md states algorithms, coefficients and error bounds; the
 * reduction is Cody and Waite's (1980), the polynomials are minimax (Remez 1934) with coefficients
 * rounded one by one.
 */
final class PolynomialMath {
  private static final float LOG2_E = 0x1.715476p0f;

  /** ln 2 in two parts; the first has so few bits that {@code x − n·LN2_HIGH} is exact. */
  private static final float LN2_HIGH = 0x1.62e4p-1f;

  private static final float LN2_LOW = 0x1.7f7d1cp-20f;

  /** Adding it rounds to an integer, ties to even, which is then in the low bits. */
  private static final float ROUNDER = 0x1.8p23f;

  private static final int ROUNDER_BITS = 0x4B400000;

  /** Beyond these exp is infinite or rounds to zero; between them 2ⁿ has two normal factors. */
  private static final float EXP_MAX = 89f;

  private static final float EXP_MIN = -104f;

  private static final float EXP_2 = 0x1.fffffcp-2f;
  private static final float EXP_3 = 0x1.55548cp-3f;
  private static final float EXP_4 = 0x1.555858p-5f;
  private static final float EXP_5 = 0x1.123dep-7f;
  private static final float EXP_6 = 0x1.6ac74ep-10f;

  /** Below it tanh is an odd polynomial, from it on it comes from exp. */
  private static final float TANH_SMALL = 0.625f;

  private static final float TANH_3 = -0x1.555532p-2f;
  private static final float TANH_5 = 0x1.1106f6p-3f;
  private static final float TANH_7 = -0x1.b835a4p-5f;
  private static final float TANH_9 = 0x1.51f8cep-6f;
  private static final float TANH_11 = -0x1.750ce4p-8f;

  private PolynomialMath() {}

  static float exp(float argument) {
    // Comparisons with NaN are false: it passes both.
    float below = argument > EXP_MAX ? EXP_MAX : argument;
    float x = below < EXP_MIN ? EXP_MIN : below;
    float rounded = Math.fma(x, LOG2_E, ROUNDER);
    float n = rounded - ROUNDER;
    float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, x));
    float p = EXP_6;
    p = Math.fma(p, r, EXP_5);
    p = Math.fma(p, r, EXP_4);
    p = Math.fma(p, r, EXP_3);
    p = Math.fma(p, r, EXP_2);
    p = Math.fma(p, r, 1f);
    p = Math.fma(p, r, 1f);
    // 2ⁿ in two factors: n reaches 128 and −150, where one float would overflow or be subnormal.
    int exponent = Float.floatToRawIntBits(rounded) - ROUNDER_BITS;
    int half = exponent >> 1;
    return p * powerOfTwo(half) * powerOfTwo(exponent - half);
  }

  private static float powerOfTwo(int exponent) {
    return Float.intBitsToFloat((exponent + 127) << 23);
  }

  static float sigmoid(float x) {
    return 1f / (1f + exp(-x));
  }

  static float tanh(float x) {
    float a = Math.abs(x);
    float y;
    if (a < TANH_SMALL) {
      float square = a * a;
      float p = TANH_11;
      p = Math.fma(p, square, TANH_9);
      p = Math.fma(p, square, TANH_7);
      p = Math.fma(p, square, TANH_5);
      p = Math.fma(p, square, TANH_3);
      y = Math.fma(a * square, p, a);
    } else {
      y = 1f - 2f / (exp(a + a) + 1f);
    }
    return Math.copySign(y, x);
  }
}
