package org.sparkrnn.worker.model;

import java.util.Arrays;
import org.sparkrnn.worker.model.LanguageModel.Masks;
import org.sparkrnn.worker.random.PhiloxKey;

/**
 * The words that the positions of one window choose among under a sampled softmax: the distinct
 * labels, then words drawn from Zipf's law until there are enough. All count as draws of one text;
 * docs/numerics.md, section 4.
 */
public final class WordSample {
  private static final int NONE = -1;

  private final double logVocabulary;
  private final int[] words;
  private final float[] corrections;
  private final int[] labels;

  /** Where a word stands among {@link #words}, or −1. */
  private final int[] places;

  /**
   * @param vocabulary all words, in the order of their frequency
   * @param size words to choose among
   * @param positions most of a window, and not more distinct ones than {@code size}
   */
  public WordSample(int vocabulary, int size, int positions) {
    if (size < 1 || size > vocabulary || size < Math.min(vocabulary, positions)) {
      throw new IllegalArgumentException(
          "Cannot choose among %d of %d words at %d positions"
              .formatted(size, vocabulary, positions));
    }
    this.logVocabulary = StrictMath.log(vocabulary + 1.0);
    this.words = new int[size];
    this.corrections = new float[size];
    this.labels = new int[positions];
    this.places = new int[vocabulary];
  }

  /** Words to choose among. */
  int size() {
    return words.length;
  }

  /** Draws for a local step, whose first positions have these labels. */
  public void draw(int[] labelsOfWindow, int positions, Masks masks) {
    Arrays.fill(places, NONE);
    int count = 0;
    for (int p = 0; p < positions; p++) {
      count += add(labelsOfWindow[p], count);
      labels[p] = places[labelsOfWindow[p]];
    }
    PhiloxKey key = PhiloxKey.softmaxSample(masks.seed(), (int) masks.step(), masks.replica());
    long draws = 0;
    while (count < words.length) {
      count += add(word(key.uniform(draws++)), count);
    }
    for (int i = 0; i < count; i++) {
      corrections[i] = (float) -StrictMath.log(probability(words[i], positions + draws));
    }
  }

  private int add(int word, int count) {
    if (places[word] != NONE) {
      return 0;
    }
    places[word] = count;
    words[count] = word;
    return 1;
  }

  /** The word w for a number in [0, 1), with probability log((w + 2)/(w + 1)) / log(V + 1). */
  private int word(double uniform) {
    int word = (int) StrictMath.exp(uniform * logVocabulary) - 1;
    return Math.min(word, places.length - 1);
  }

  /** That a word is among so many draws. */
  private double probability(int word, long draws) {
    double once = StrictMath.log((word + 2.0) / (word + 1.0)) / logVocabulary;
    return -StrictMath.expm1(draws * StrictMath.log1p(-once));
  }

  /** In the order in which they were found. */
  public int[] words() {
    return words;
  }

  /** What is added to the logit of each: −log of the probability that it is among them. */
  public float[] corrections() {
    return corrections;
  }

  /** Where the labels of the window's positions stand among {@link #words}. */
  public int[] labels() {
    return labels;
  }

  /** Where each word of the vocabulary stands among them, or −1. */
  int[] places() {
    return places;
  }
}
