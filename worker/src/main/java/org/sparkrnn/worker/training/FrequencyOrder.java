package org.sparkrnn.worker.training;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.model.WordClusters;

/**
 * Whether words are in the order of frequency as far as the softmax relies on it. The words of an
 * adaptive one's clusters occur, on average, at least as often as those of the next; the first
 * quarter of a sampled one's as often as the others. So it is wherever {@code tokenize} counted the
 * words itself; a vocabulary that was given to it may have any order.
 */
final class FrequencyOrder {
  /** Tokens that are counted of a longer text, unless they are in doubt. */
  private static final long SAMPLE = 1 << 20;

  private static final int PIECES = 64;
  private static final int BUFFER = 1 << 14;

  private FrequencyOrder() {}

  /**
   * Checks the training text.
   *
   * @throws BadInputException if the order is another one
   */
  static void require(ModelSpec spec, TokenSource tokens, long count) throws IOException {
    boolean adaptive = spec.softmax().isAdaptive();
    if (!adaptive && !spec.softmax().isSampled()) {
      return;
    }
    WordClusters clusters = adaptive ? spec.clusters() : quarter(spec.vocabulary());
    if (count > SAMPLE && wrongAt(clusters, sample(clusters, tokens, count)) < 0) {
      return;
    }
    long[] counts = new long[1 + clusters.count()];
    count(clusters, tokens, 0, count, counts);
    int wrong = wrongAt(clusters, counts);
    if (wrong >= 0) {
      throw new BadInputException(
          String.format(
              Locale.ROOT,
              "Cannot use model.softmax = %s: the vocabulary is not in the order of frequency; words %d to %d"
                  + " occur %.1f times each in the training text, words %d to %d %.1f times; let tokenize make the"
                  + " vocabulary, or set %smodel.softmax = full",
              adaptive ? "adaptive" : "sampled",
              first(clusters, wrong),
              first(clusters, wrong + 1) - 1,
              each(clusters, counts, wrong),
              first(clusters, wrong + 1),
              first(clusters, wrong + 1) + words(clusters, wrong + 1) - 1,
              each(clusters, counts, wrong + 1),
              adaptive ? "model.softmax-cutoffs elsewhere or " : ""));
    }
  }

  /** The first quarter of the words and the others. */
  private static WordClusters quarter(int vocabulary) {
    return new WordClusters(List.of(Math.max(1, vocabulary / 4)), 1, 1, vocabulary);
  }

  /** Counts of the frequent words and of each cluster in pieces that lie evenly in the text. */
  private static long[] sample(WordClusters clusters, TokenSource tokens, long count)
      throws IOException {
    long[] counts = new long[1 + clusters.count()];
    for (int piece = 0; piece < PIECES; piece++) {
      long from = count / PIECES * piece;
      count(clusters, tokens, from, from + SAMPLE / PIECES, counts);
    }
    return counts;
  }

  private static void count(
      WordClusters clusters, TokenSource tokens, long from, long to, long[] counts)
      throws IOException {
    int[] some = new int[BUFFER];
    for (long at = from; at < to; at += BUFFER) {
      int length = (int) Math.min(BUFFER, to - at);
      tokens.read(at, some, 0, length);
      for (int i = 0; i < length; i++) {
        counts[1 + clusters.of(some[i])]++;
      }
    }
  }

  /** The part whose words are rarer than those of the next one; −1 if there is none. */
  private static int wrongAt(WordClusters clusters, long[] counts) {
    for (int part = 0; part < clusters.count(); part++) {
      if (each(clusters, counts, part) < each(clusters, counts, part + 1)) {
        return part;
      }
    }
    return -1;
  }

  private static double each(WordClusters clusters, long[] counts, int part) {
    return (double) counts[part] / words(clusters, part);
  }

  /** First word of a part: 0 the frequent ones, i + 1 cluster i. */
  private static int first(WordClusters clusters, int part) {
    return part == 0 ? 0 : clusters.first(part - 1);
  }

  private static int words(WordClusters clusters, int part) {
    return part == 0 ? clusters.frequentWords() : clusters.words(part - 1);
  }
}
