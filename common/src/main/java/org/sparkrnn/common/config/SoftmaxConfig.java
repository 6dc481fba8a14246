package org.sparkrnn.common.config;

import java.io.Serializable;
import java.util.List;
import org.sparkrnn.common.errors.BadInputException;

/**
 * The settings of the group {@code model} that say how a language model predicts a word among many.
 *
 * @param softmax how it does
 * @param softmaxCutoffs for {@code adaptive}: the words that the clusters begin with, ascending;
 *     the first one is the number of frequent words
 * @param softmaxDivisor for {@code adaptive}: how many times fewer columns each cluster has than
 *     the one before
 * @param softmaxSamples for {@code sampled}: words that a window's positions choose among
 */
public record SoftmaxConfig(
    Kind softmax, List<Integer> softmaxCutoffs, int softmaxDivisor, int softmaxSamples)
    implements Serializable {
  /** Every word at every step. */
  public static final SoftmaxConfig FULL = new SoftmaxConfig(Kind.FULL, List.of(), 4, 0);

  /** How a language model predicts a word. */
  public enum Kind {
    /** By one softmax over all words. */
    FULL,
    /**
     * By a softmax over the frequent words and clusters of rarer ones, and one within the cluster
     * (Grave et al. 2017).
     */
    ADAPTIVE,
    /**
     * As {@link #FULL}, but in training among the words of the window and some drawn at random
     * (Bengio and Senécal 2008, Jean et al. 2015).
     */
    SAMPLED
  }

  public SoftmaxConfig {
    softmaxCutoffs = List.copyOf(softmaxCutoffs);
    int last = 0;
    for (int cutoff : softmaxCutoffs) {
      if (cutoff <= last) {
        throw new BadInputException(
            "model.softmax-cutoffs must be positive and ascending, got " + softmaxCutoffs);
      }
      last = cutoff;
    }
    if (softmax == Kind.ADAPTIVE && softmaxCutoffs.isEmpty()) {
      throw new BadInputException(
          "model.softmax = adaptive needs model.softmax-cutoffs, such as [2000, 10000]");
    }
    Checks.requirePositive("model.softmax-divisor", softmaxDivisor);
    Checks.requireNotNegative("model.softmax-samples", softmaxSamples);
    if (softmax == Kind.SAMPLED && softmaxSamples == 0) {
      throw new BadInputException(
          "model.softmax = sampled needs model.softmax-samples, such as 2000");
    }
  }

  public boolean isAdaptive() {
    return softmax == Kind.ADAPTIVE;
  }

  public boolean isSampled() {
    return softmax == Kind.SAMPLED;
  }
}
