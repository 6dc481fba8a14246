package org.sparkrnn.driver.tokenize;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.driver.storage.HadoopFiles;

/**
 * Counts the tokens of ranges, and either their kinds or, with a vocabulary, those that are not in
 * it.
 */
final class CountScan extends RangeScan<byte[]> {
  /** Kinds that are held before they are handed on: bounds the memory of a task. */
  private static final int MOST_KINDS = 1 << 17;

  private static final int PAGE = 1 << 8;

  private final @Nullable TokenIndex index;
  private final Map<String, long[]> words = new HashMap<>();
  private final long[][] characters = new long[(Character.MAX_CODE_POINT + 1) / PAGE][];
  private int split;
  private long tokens;
  private long unknown;
  private String example = "";

  /**
   * @param index the vocabulary that is given, or null if one will be made
   */
  CountScan(
      HadoopFiles files,
      List<TextRange> ranges,
      Unit unit,
      boolean replaceInvalid,
      @Nullable TokenIndex index) {
    super(files, ranges, unit, replaceInvalid);
    this.index = index;
  }

  @Override
  public void character(int codePoint) {
    tokens++;
    if (index != null) {
      if (index.indexOf(codePoint) < 0) {
        countUnknown(Character.toString(codePoint));
      }
      return;
    }
    long[] page = characters[codePoint / PAGE];
    if (page == null) {
      page = new long[PAGE];
      characters[codePoint / PAGE] = page;
    }
    page[codePoint % PAGE]++;
  }

  @Override
  public void word(String word) {
    tokens++;
    if (index != null) {
      if (index.indexOf(word) < 0) {
        countUnknown(word);
      }
      return;
    }
    words.computeIfAbsent(word, ignored -> new long[1])[0]++;
  }

  @Override
  void beginRange(TextRange next) {
    if (next.split() != split) {
      handOnKinds();
      split = next.split();
    }
    tokens = 0;
    unknown = 0;
    example = "";
  }

  @Override
  void afterBuffer() {
    if (words.size() >= MOST_KINDS) {
      handOnKinds();
    }
  }

  @Override
  void endRange(TextRange last) {
    emit(new CountRecord.Summary(last.number(), tokens, unknown, example, "").toBytes());
  }

  @Override
  void problem(TextRange current, TextProblemException problem) {
    String message = String.valueOf(problem.getMessage());
    emit(new CountRecord.Summary(current.number(), 0, 0, "", message).toBytes());
  }

  @Override
  void end() {
    handOnKinds();
  }

  private void countUnknown(String token) {
    if (unknown == 0) {
      example = token;
    }
    unknown++;
  }

  private void handOnKinds() {
    for (int page = 0; page < characters.length; page++) {
      long[] counts = characters[page];
      if (counts != null) {
        for (int i = 0; i < PAGE; i++) {
          if (counts[i] > 0) {
            words.put(Character.toString(page * PAGE + i), new long[] {counts[i]});
          }
        }
        characters[page] = null;
      }
    }
    if (!words.isEmpty()) {
      emit(CountRecord.kinds(split, words));
      words.clear();
    }
  }
}
