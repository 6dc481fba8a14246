package org.sparkrnn.worker.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.util.Map;

/** Equality of floats bit by bit; all NaN are one. */
final class SameBits {
  private SameBits() {}

  static void assertSame(String what, float[] actual, float[] expected) {
    assertThat(actual.length).as(what).isEqualTo(expected.length);
    for (int i = 0; i < actual.length; i++) {
      if (Float.floatToIntBits(actual[i]) != Float.floatToIntBits(expected[i])) {
        fail(
            "%s: element %d is %s (%08x), expected %s (%08x)",
            what,
            i,
            actual[i],
            Float.floatToIntBits(actual[i]),
            expected[i],
            Float.floatToIntBits(expected[i]));
      }
    }
  }

  static void assertSame(Object what, Map<String, float[]> actual, Map<String, float[]> expected) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, values) -> assertSame(what + " " + name, actual.get(name), values));
  }
}
