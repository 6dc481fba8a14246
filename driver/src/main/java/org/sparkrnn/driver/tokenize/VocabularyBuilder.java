package org.sparkrnn.driver.tokenize;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import scala.Tuple2;

/**
 * Makes a vocabulary of counts: most frequent first, equals by their UTF-8 bytes. Only the kinds
 * that are kept reach the driver.
 *
 * <p>Words always have {@code <eos>} and {@code <unk>}, whose count is that of the text plus that
 * of all words left out. Characters have U+FFFD for the same purpose if a limit is set; without one
 * all characters of all splits are kept.
 */
final class VocabularyBuilder {
  private final Unit unit;
  private final int minCount;
  private final int maxVocabulary;
  private final int reducers;

  VocabularyBuilder(TokenizeRequest request, int reducers) {
    this.unit = request.unit();
    this.minCount = request.minCount();
    this.maxVocabulary = request.maxVocabulary();
    this.reducers = reducers;
  }

  /**
   * The vocabulary of the text that the records count.
   *
   * @param trainingTokens number of tokens of the training text
   */
  Vocabulary build(JavaRDD<byte[]> records, long trainingTokens) {
    boolean limited = minCount > 1 || maxVocabulary > 0;
    Map<String, Long> special = new HashMap<>();
    if (unit == Unit.WORD) {
      special.put(Vocabulary.END_OF_LINE, 0L);
      special.put(Vocabulary.UNKNOWN, 0L);
    } else if (limited) {
      special.put(TokenIndex.REPLACEMENT, 0L);
    }
    Set<String> specials = Set.copyOf(special.keySet());
    JavaPairRDD<String, Long> counts = counts(records, true);
    int smallest = minCount;
    List<Tuple2<String, Long>> kept =
        new ArrayList<>(
            mostFrequent(
                counts.filter(kind -> kind._2() >= smallest && !specials.contains(kind._1())),
                specials.size()));
    counts
        .filter(kind -> specials.contains(kind._1()))
        .collect()
        .forEach(kind -> special.put(kind._1(), kind._2()));
    if (unit == Unit.CHAR && !limited) {
      addCharactersOfOtherSplits(records, kept);
    }
    addLeftOut(special, kept, trainingTokens);
    special.forEach((token, count) -> kept.add(new Tuple2<>(token, count)));
    kept.sort(KindOrder.INSTANCE);
    if (kept.isEmpty()) {
      throw new BadInputException("Cannot tokenize: no kind of token is frequent enough");
    }
    return Vocabulary.of(unit, kept.stream().map(Tuple2::_1).toList());
  }

  private JavaPairRDD<String, Long> counts(JavaRDD<byte[]> records, boolean training) {
    return records
        .filter(bytes -> CountRecord.isKinds(bytes, training))
        .flatMapToPair(bytes -> CountRecord.kindsOf(bytes).iterator())
        .reduceByKey(Long::sum, reducers);
  }

  private List<Tuple2<String, Long>> mostFrequent(
      JavaPairRDD<String, Long> kinds, int numberOfSpecials) {
    return maxVocabulary == 0
        ? kinds.collect()
        : kinds.takeOrdered(maxVocabulary - numberOfSpecials, KindOrder.INSTANCE);
  }

  /** Validation and test text may have characters that training text has not: none is replaced. */
  private void addCharactersOfOtherSplits(
      JavaRDD<byte[]> records, List<Tuple2<String, Long>> kept) {
    Set<String> known = Set.copyOf(kept.stream().map(Tuple2::_1).toList());
    for (Tuple2<String, Long> kind : counts(records, false).collect()) {
      if (!known.contains(kind._1())) {
        kept.add(new Tuple2<>(kind._1(), 0L));
      }
    }
  }

  private void addLeftOut(
      Map<String, Long> special, List<Tuple2<String, Long>> kept, long trainingTokens) {
    long counted = special.values().stream().mapToLong(count -> count).sum();
    for (Tuple2<String, Long> kind : kept) {
      counted += kind._2();
    }
    String unknown = unit == Unit.WORD ? Vocabulary.UNKNOWN : TokenIndex.REPLACEMENT;
    long leftOut = trainingTokens - counted;
    special.computeIfPresent(unknown, (token, count) -> count + leftOut);
  }

  /** Count descending, then UTF-8 bytes, which is the order of code points. */
  private enum KindOrder implements Comparator<Tuple2<String, Long>>, Serializable {
    INSTANCE;

    @Override
    public int compare(Tuple2<String, Long> left, Tuple2<String, Long> right) {
      int byCount = Long.compare(right._2(), left._2());
      return byCount != 0 ? byCount : compareCodePoints(left._1(), right._1());
    }

    /** {@code String.compareTo} differs: it puts surrogates before U+E000. */
    private static int compareCodePoints(String left, String right) {
      int length = Math.min(left.length(), right.length());
      for (int i = 0; i < length; i++) {
        char one = left.charAt(i);
        char other = right.charAt(i);
        if (one != other) {
          boolean surrogates = Character.isSurrogate(one) != Character.isSurrogate(other);
          return surrogates
              ? Boolean.compare(Character.isSurrogate(one), Character.isSurrogate(other))
              : Character.compare(one, other);
        }
      }
      return Integer.compare(left.length(), right.length());
    }
  }
}
