package org.sparkrnn.worker.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

/**
 * The bounds of docs/numerics.md, section 1; measured there over all floats, here on every 4099th.
 */
class PolynomialMathTest {
  private static final int STRIDE = 4099;

  private interface FloatFunction {
    float apply(float x);
  }

  @Test
  void expStaysWithinItsBound() {
    assertErrorBelow(0.90, PolynomialMath::exp, StrictMath::exp, -87.33f, 88.72f);
    assertErrorBelow(0.86, PolynomialMath::exp, StrictMath::exp, -104f, -87.33f);
  }

  @Test
  void sigmoidStaysWithinItsBound() {
    assertErrorBelow(
        2.49, PolynomialMath::sigmoid, x -> 1 / (1 + StrictMath.exp(-x)), -87f, Float.MAX_VALUE);
  }

  @Test
  void tanhStaysWithinItsBounds() {
    float below = Math.nextDown(0.625f);
    assertErrorBelow(0.78, PolynomialMath::tanh, StrictMath::tanh, -below, below);
    assertErrorBelow(1.37, PolynomialMath::tanh, StrictMath::tanh, 0.625f, Float.MAX_VALUE);
    assertErrorBelow(1.37, PolynomialMath::tanh, StrictMath::tanh, -Float.MAX_VALUE, -0.625f);
  }

  @Test
  void endsOfTheRangeAreExact() {
    assertThat(PolynomialMath.exp(0f)).isEqualTo(1f);
    assertThat(PolynomialMath.exp(-0f)).isEqualTo(1f);
    assertThat(PolynomialMath.exp(Float.POSITIVE_INFINITY)).isInfinite();
    assertThat(PolynomialMath.exp(Float.NEGATIVE_INFINITY)).isEqualTo(0f);
    assertThat(PolynomialMath.exp(88.7229f)).isInfinite();
    assertThat(PolynomialMath.exp(-103.98f)).isEqualTo(0f);
    assertThat(PolynomialMath.sigmoid(0f)).isEqualTo(0.5f);
    assertThat(PolynomialMath.sigmoid(Float.NEGATIVE_INFINITY)).isEqualTo(0f);
    assertThat(PolynomialMath.sigmoid(Float.POSITIVE_INFINITY)).isEqualTo(1f);
    assertThat(PolynomialMath.tanh(Float.NEGATIVE_INFINITY)).isEqualTo(-1f);
    assertThat(PolynomialMath.tanh(Float.POSITIVE_INFINITY)).isEqualTo(1f);
    assertThat(Float.floatToRawIntBits(PolynomialMath.tanh(-0f))).isEqualTo(0x80000000);
  }

  @Test
  void notANumberPassesThrough() {
    assertThat(PolynomialMath.exp(Float.NaN)).isNaN();
    assertThat(PolynomialMath.sigmoid(Float.NaN)).isNaN();
    assertThat(PolynomialMath.tanh(Float.NaN)).isNaN();
  }

  private static void assertErrorBelow(
      double bound, FloatFunction function, DoubleUnaryOperator exact, float low, float high) {
    double worst = 0;
    float worstAt = 0;
    for (long bits = 0; bits < 1L << 32; bits += STRIDE) {
      float x = Float.intBitsToFloat((int) bits);
      if (x >= low && x <= high) {
        double expected = exact.applyAsDouble(x);
        double error = Math.abs(function.apply(x) - expected) / Math.ulp((float) expected);
        if (!(error <= worst)) {
          worst = error;
          worstAt = x;
        }
      }
    }
    assertThat(worst).as("error in ulp, largest at %s", worstAt).isLessThan(bound);
  }
}
