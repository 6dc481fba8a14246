package org.sparkrnn.driver.tokenize;

import java.util.Arrays;
import java.util.OptionalInt;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;

/**
 * Fast lookup of a vocabulary. What stands for tokens outside it is {@code <unk>} among words, and
 * U+FFFD, Unicode's replacement character, among characters, if the vocabulary has it.
 */
final class TokenIndex {
  static final String REPLACEMENT = "\ufffd";
  private static final int PAGE = 1 << 8;

  private final Vocabulary vocabulary;
  private final int[][] characters = new int[(Character.MAX_CODE_POINT + 1) / PAGE][];
  private final int unknown;

  TokenIndex(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
    this.unknown = unknown(vocabulary).orElse(-1);
    if (vocabulary.unit() == Unit.CHAR) {
      for (int i = 0; i < vocabulary.size(); i++) {
        int codePoint = vocabulary.token(i).codePointAt(0);
        int[] page = characters[codePoint / PAGE];
        if (page == null) {
          page = new int[PAGE];
          Arrays.fill(page, -1);
          characters[codePoint / PAGE] = page;
        }
        page[codePoint % PAGE] = i;
      }
    }
  }

  /** The index of what stands for tokens outside the vocabulary. */
  static OptionalInt unknown(Vocabulary vocabulary) {
    int index =
        vocabulary.indexOf(vocabulary.unit() == Unit.CHAR ? REPLACEMENT : Vocabulary.UNKNOWN);
    return index >= 0 ? OptionalInt.of(index) : OptionalInt.empty();
  }

  /** The index of what stands for tokens outside the vocabulary, or −1. */
  int unknown() {
    return unknown;
  }

  int size() {
    return vocabulary.size();
  }

  /** The index of a word, or −1. */
  int indexOf(String word) {
    return vocabulary.indexOf(word);
  }

  /** The index of a character, or −1. */
  int indexOf(int codePoint) {
    int[] page = characters[codePoint / PAGE];
    return page == null ? -1 : page[codePoint % PAGE];
  }
}
