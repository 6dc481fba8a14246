package org.sparkrnn.worker.random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class PhiloxTest {

  /** The three vectors of Random123 1.14.0, tests/kat_vectors, philox4x32 with 10 rounds. */
  @Test
  void givesThePublishedKnownAnswers() {
    assertThat(words(0, 0, 0, 0, 0, 0))
        .containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    assertThat(words(-1, -1, -1, -1, -1, -1))
        .containsExactly(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    assertThat(words(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0))
        .containsExactly(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
  }

  @Test
  void hashesTheKnownAnswersOfFnv1a() {
    assertThat(Philox.fnv1a32("")).isEqualTo(0x811c9dc5);
    assertThat(Philox.fnv1a32("a")).isEqualTo(0xe40c292c);
    assertThat(Philox.fnv1a32("foobar")).isEqualTo(0xbf9cf968);
  }

  @Test
  void elementUsesItsWordOfItsCounter() {
    PhiloxKey key = new PhiloxKey(0x123456789abcdef0L, 7, 3, Purpose.DROPOUT.at(2));
    int[] block = new int[4];
    Philox.block(5, 7, 3, 0x1002, 0x123456789abcdef0L, block);
    for (int word = 0; word < 4; word++) {
      assertThat(key.word(20 + word)).isEqualTo(block[word]);
    }
  }

  @Test
  void symmetricUniformsFillTheirIntervalAndAverageToZero() {
    PhiloxKey key = PhiloxKey.initialisation(1, "rnn.weight_ih_l0");
    int count = 100_000;
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < count; i++) {
      float value = PhiloxKey.symmetricUniform(key.word(i));
      assertThat(value).isBetween(-1f, Math.nextDown(1f));
      sum += value;
      squares += value * (double) value;
    }
    // Five standard errors of the mean, √(1/3/n), and of the second moment, √(4/45/n).
    assertThat(sum / count).isBetween(-0.0092, 0.0092);
    assertThat(squares / count).isBetween(1 / 3.0 - 0.0048, 1 / 3.0 + 0.0048);
  }

  @Test
  void onlyDropoutHasPlaces() {
    assertThatThrownBy(() -> Purpose.SAMPLING.at(1)).hasMessageContaining("SAMPLING at place 1");
    assertThatThrownBy(() -> Purpose.DROPOUT.at(-1)).hasMessageContaining("place -1");
  }

  private static int[] words(int c0, int c1, int c2, int c3, int key0, int key1) {
    int[] output = new int[4];
    Philox.block(c0, c1, c2, c3, (long) key1 << 32 | Integer.toUnsignedLong(key0), output);
    return output;
  }
}
