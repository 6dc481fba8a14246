package org.sparkrnn.worker.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.sparkrnn.worker.model.LanguageModel.Masks;

class WordSampleTest {
  private static final long SEED = 5;

  @Test
  void labelsComeFirstAndNoWordTwice() {
    WordSample sample = new WordSample(100, 20, 8);
    int[] labels = {7, 99, 7, 3, 0, 99};
    for (int step = 0; step < 50; step++) {
      sample.draw(labels, 6, new Masks(SEED, step, 2));
      assertThat(Arrays.copyOf(sample.words(), 4)).containsExactly(7, 99, 3, 0);
      assertThat(sample.words()).doesNotHaveDuplicates();
      assertThat(Arrays.stream(sample.words())).allMatch(word -> word >= 0 && word < 100);
      assertThat(Arrays.copyOf(sample.labels(), 6)).containsExactly(0, 1, 0, 2, 3, 1);
      int[] places = sample.places();
      assertThat(Arrays.stream(places).filter(place -> place < 0)).hasSize(80);
      for (int i = 0; i < 20; i++) {
        assertThat(places[sample.words()[i]]).isEqualTo(i);
      }
    }
  }

  @Test
  void stepsAndReplicasAndSeedsDrawOtherWords() {
    Set<String> drawn = new HashSet<>();
    for (Masks masks :
        new Masks[] {
          new Masks(1, 0, 0), new Masks(2, 0, 0), new Masks(1, 1, 0), new Masks(1, 0, 1)
        }) {
      WordSample sample = new WordSample(1000, 20, 1);
      sample.draw(new int[] {4}, 1, masks);
      String words = Arrays.toString(sample.words());
      sample.draw(new int[] {4}, 1, masks);
      assertThat(Arrays.toString(sample.words())).isEqualTo(words);
      drawn.add(words);
    }
    assertThat(drawn).hasSize(4);
  }

  /** A single draw, many times. */
  @Test
  void wordsAreDrawnByZipfsLaw() {
    int vocabulary = 9;
    int steps = 40_000;
    int[] counts = new int[vocabulary];
    WordSample sample = new WordSample(vocabulary, 1, 1);
    for (int step = 0; step < steps; step++) {
      sample.draw(new int[0], 0, new Masks(SEED, step, 0));
      int word = sample.words()[0];
      counts[word]++;
      double probability = Math.log((word + 2.0) / (word + 1.0)) / Math.log(vocabulary + 1.0);
      assertThat((double) sample.corrections()[0]).isCloseTo(-Math.log(probability), within(1e-6));
    }
    for (int word = 0; word < vocabulary; word++) {
      double expected = steps * Math.log((word + 2.0) / (word + 1.0)) / Math.log(vocabulary + 1.0);
      assertThat((double) counts[word])
          .as("seed %d, word %d", SEED, word)
          .isCloseTo(expected, within(4 * Math.sqrt(expected)));
    }
  }

  /** Weighted by one over their probabilities, the sampled words stand for all. */
  @Test
  void correctedSumsAreThoseOfAllWords() {
    int vocabulary = 200;
    int steps = 2_000;
    WordSample sample = new WordSample(vocabulary, 50, 1);
    double sum = 0;
    for (int step = 0; step < steps; step++) {
      sample.draw(new int[0], 0, new Masks(SEED, step, 0));
      for (int i = 0; i < sample.size(); i++) {
        sum += Math.exp(sample.corrections()[i]) * (1 + sample.words()[i] % 3);
      }
    }
    double expected = 0;
    for (int word = 0; word < vocabulary; word++) {
      expected += 1 + word % 3;
    }
    // The number of draws depends a little on what is drawn.
    assertThat(sum / steps / expected).as("seed %d", SEED).isCloseTo(1, within(0.02));
  }

  @Test
  void moreWordsThanThereAreOrFewerThanPositionsAreRefused() {
    assertThatThrownBy(() -> new WordSample(10, 11, 1)).hasMessageContaining("11 of 10");
    assertThatThrownBy(() -> new WordSample(10, 4, 5)).hasMessageContaining("5 positions");
    assertThatThrownBy(() -> new WordSample(10, 0, 0)).hasMessageContaining("0 of 10");
  }
}
