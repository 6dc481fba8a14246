package org.sparkrnn.driver.sequences;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Counts texts and orders them: most frequent first, equals by their UTF-8 bytes. */
final class Kinds {
  private final Map<String, Long> counts = new HashMap<>();

  void add(String kind, long count) {
    counts.merge(kind, count, Long::sum);
  }

  boolean isEmpty() {
    return counts.isEmpty();
  }

  /**
   * Those that occur often enough.
   *
   * @param most how many at most
   */
  List<String> ordered(long minCount, int most) {
    List<String> kinds = new ArrayList<>();
    counts.forEach(
        (kind, count) -> {
          if (count >= minCount) {
            kinds.add(kind);
          }
        });
    kinds.sort(
        Comparator.comparing((String kind) -> -counts.getOrDefault(kind, 0L))
            .thenComparing(Kinds::utf8, Arrays::compareUnsigned));
    return kinds.subList(0, Math.min(most, kinds.size()));
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
