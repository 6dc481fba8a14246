package org.sparkrnn.common.corpus;

import java.io.Serializable;
import java.util.List;

/**
 * A part of a corpus: one logical sequence of tokens, cut into shards.
 *
 * @param unknownTokens how many of the text's tokens were replaced because they are not in the
 *     vocabulary
 * @param shards in the order of the sequence
 */
public record Split(long unknownTokens, List<Shard> shards) implements Serializable {
  /** The usual splits, in this order. */
  public static final List<String> NAMES = List.of("train", "valid", "test");

  public Split {
    shards = List.copyOf(shards);
  }

  /** Number of tokens of the whole sequence. */
  public long tokens() {
    return shards.stream().mapToLong(Shard::tokens).sum();
  }
}
