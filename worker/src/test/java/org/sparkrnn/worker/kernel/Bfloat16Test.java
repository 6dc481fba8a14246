package org.sparkrnn.worker.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Section 10 of docs/numerics.md in exact arithmetic. */
class Bfloat16Test {
  /** Products of bfloat16 and floats are multiples of this power of two. */
  private static final int SCALE = 300;

  private static final float[] SPECIAL = {
    0f, -0f, 1f, -1f, Float.MIN_NORMAL, -Float.MIN_NORMAL, 0x1.fep127f, Float.MIN_VALUE, -0x1p-127f,
  };

  @Test
  void roundingIsToTheNearestEvenWithoutSubnormalNumbers() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 300_000; i++) {
      // Every third lies half-way between two numbers of bfloat16.
      int bits = i % 3 == 0 ? (random.nextInt() & 0xffff0000) | 0x8000 : random.nextInt();
      float x = Float.intBitsToFloat(bits);
      float expected = Float.isFinite(x) ? rounded(scaled(normal(x)), 8, normal(x)) : x;
      assertSame("bf16(%s)".formatted(x), Bfloat16.round(x), expected);
    }
  }

  @Test
  void dotRoundsTwiceAndAddsTheSecondTermFirst() {
    SplittableRandom random = new SplittableRandom(2);
    for (int i = 0; i < 300_000; i++) {
      float[] t = new float[4];
      for (int j = 0; j < 4; j++) {
        t[j] = Bfloat16.round(random(random, i % 5));
      }
      float sum = random(random, i % 5);
      float expected = exactFma(t[0], t[1], exactFma(t[2], t[3], normal(sum)));
      assertSame(
          "dot(%s, %s, %s, %s, %s)".formatted(t[0], t[1], t[2], t[3], sum),
          Bfloat16.dot(t[0], t[1], t[2], t[3], sum),
          expected);
    }
  }

  @Test
  void aChunkAddsItsChainsThenTheirSum() {
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 300_000; i++) {
      float a = Bfloat16.round(random(random, i % 5));
      float b = Bfloat16.round(random(random, i % 5));
      float chain = normal(random(random, i % 5));
      String link = "link(%s, %s, %s)".formatted(a, b, chain);
      assertSame(link, Bfloat16.link(a, b, chain), exactFma(a, b, chain));
      float even = normal(random(random, i % 5));
      float odd = normal(random(random, i % 5));
      float sum = random(random, i % 5);
      String end = "addChunk(%s, %s, %s)".formatted(even, odd, sum);
      float expected = exactFma(1f, normal(sum), exactFma(1f, even, odd));
      assertSame(end, Bfloat16.addChunk(even, odd, sum), expected);
    }
  }

  @Test
  void underflowIsJudgedBeforeRoundingToASubnormalNumber() {
    // 2⁻¹²⁶ − 2⁻¹⁵⁰ has 24 bits and is below the normal numbers, yet a float rounds it to 2⁻¹²⁶.
    assertSame("below", Bfloat16.dot(0x1p-75f, -0x1p-75f, 0f, 0f, Float.MIN_NORMAL), 0f);
    assertSame("below", Bfloat16.dot(0f, 0f, 0x1p-75f, 0x1p-75f, -Float.MIN_NORMAL), -0f);
    assertSame(
        "2⁻¹²⁶ − 2⁻¹⁵¹ rounds up",
        Bfloat16.dot(0x1p-75f, -0x1p-76f, 0f, 0f, Float.MIN_NORMAL),
        Float.MIN_NORMAL);
  }

  /** Near 1, near underflow, near overflow, any bits, or special. */
  private static float random(SplittableRandom random, int range) {
    float near1 = (float) (2 * random.nextDouble() - 1);
    return switch (range) {
      case 0 -> near1;
      case 1 -> near1 * (random.nextBoolean() ? 0x1p-62f : 0x1p-64f);
      case 2 -> near1 * 0x1p63f;
      case 3 -> Float.intBitsToFloat(random.nextInt());
      default -> SPECIAL[random.nextInt(SPECIAL.length)];
    };
  }

  private static float normal(float x) {
    return Math.abs(x) < Float.MIN_NORMAL ? Math.copySign(0f, x) : x;
  }

  private static float exactFma(float a, float b, float c) {
    if (!Float.isFinite(a) || !Float.isFinite(b)) {
      return a * b + c;
    }
    if (!Float.isFinite(c)) {
      return c;
    }
    // Exactly zero: IEEE's sign. Below all numbers: the sign of the sum.
    BigInteger sum = scaled(a, b).add(scaled(c));
    return rounded(sum, 24, sum.signum() == 0 ? a * b + c : sum.signum() * 0f);
  }

  private static BigInteger scaled(float... factors) {
    BigDecimal product = BigDecimal.valueOf(2).pow(SCALE);
    for (float factor : factors) {
      product = product.multiply(new BigDecimal(factor));
    }
    return product.toBigIntegerExact();
  }

  /** The nearest number of that many bits, or the zero if it is below the normal numbers. */
  private static float rounded(BigInteger scaled, int bits, float zero) {
    BigInteger magnitude = scaled.abs();
    int cut = Math.max(0, magnitude.bitLength() - bits);
    BigInteger kept = magnitude.shiftRight(cut);
    BigInteger rest = magnitude.subtract(kept.shiftLeft(cut));
    int half = cut == 0 ? -1 : rest.compareTo(BigInteger.ONE.shiftLeft(cut - 1));
    if (half > 0 || (half == 0 && kept.testBit(0))) {
      kept = kept.add(BigInteger.ONE);
    }
    BigInteger result = kept.shiftLeft(cut);
    if (result.bitLength() <= SCALE - 126) {
      return zero;
    }
    double value = Math.scalb(kept.doubleValue(), cut - SCALE);
    return (float) (scaled.signum() * value);
  }

  private static void assertSame(String what, float actual, float expected) {
    if (Float.floatToIntBits(actual) != Float.floatToIntBits(expected)) {
      assertThat(actual).as(what).isEqualTo(expected);
    }
  }
}
