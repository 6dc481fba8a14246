package org.sparkrnn.worker.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.worker.model.ModelSpec;

class FrequencyOrderTest {
  private static final long LONG = 10_000_000;

  private final AtomicLong read = new AtomicLong();

  /** Word 0 half of the time, else one of the others, or all of them the other way round. */
  private TokenSource source(boolean reversed) {
    return (first, target, from, count) -> {
      read.addAndGet(count);
      for (int i = 0; i < count; i++) {
        long at = first + i;
        int word = at % 2 == 0 ? 0 : (int) (at / 2 % 11);
        target[from + i] = reversed ? 10 - word : word;
      }
    };
  }

  private static ModelSpec spec(String softmax) {
    return ModelSpec.of(
        Runs.config(
                "model.softmax=" + softmax, "model.softmax-cutoffs=2,6", "model.softmax-samples=5")
            .model(),
        11);
  }

  @Test
  void aLongTextIsSampled() throws IOException {
    FrequencyOrder.require(spec("adaptive"), source(false), LONG);
    assertThat(read.get()).isEqualTo(1 << 20);
  }

  @Test
  void aShortTextIsReadToItsEnd() throws IOException {
    FrequencyOrder.require(spec("adaptive"), source(false), 12_345);
    assertThat(read.get()).isEqualTo(12_345);
  }

  @Test
  void anotherOrderIsRefusedWhenAllOfTheTextSaysSo() {
    assertThatThrownBy(() -> FrequencyOrder.require(spec("adaptive"), source(true), LONG))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("words 2 to 5 occur")
        .hasMessageContaining("words 6 to 10")
        .hasMessageContaining("model.softmax-cutoffs");
    assertThat(read.get()).isEqualTo((1 << 20) + LONG);
  }

  /** Each piece of the sample begins with the rare words, of which there are no more. */
  @Test
  void aSampleInDoubtIsNotBelieved() throws IOException {
    TokenSource bursts =
        (first, target, from, count) -> {
          for (int i = 0; i < count; i++) {
            long at = first + i;
            target[from + i] = at % (LONG / 64) < 1 << 14 ? 10 : at % 2 == 0 ? 0 : 3;
          }
        };
    FrequencyOrder.require(spec("adaptive"), bursts, LONG);
  }

  @Test
  void theFirstQuarterOfASampledSoftmaxIsTheMoreFrequent() throws IOException {
    FrequencyOrder.require(spec("sampled"), source(false), LONG);
    assertThatThrownBy(() -> FrequencyOrder.require(spec("sampled"), source(true), LONG))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("model.softmax = sampled: the vocabulary is not in the order")
        .hasMessageContaining("words 0 to 1 occur")
        .hasMessageContaining("words 2 to 10")
        .hasMessageEndingWith("vocabulary, or set model.softmax = full");
  }

  @Test
  void aFullSoftmaxNeedsNoOrder() throws IOException {
    FrequencyOrder.require(spec("full"), source(true), LONG);
    assertThat(read.get()).isZero();
  }
}
