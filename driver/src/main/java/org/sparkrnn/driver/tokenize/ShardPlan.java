package org.sparkrnn.driver.tokenize;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.Partitioner;
import org.sparkrnn.common.corpus.Shard;
import org.sparkrnn.common.corpus.Split;

/**
 * Which tokens go to which shard. Tokens are numbered through all splits of the job; a shard has
 * consecutive ones. It depends on the numbers of tokens only, never on the ranges they were read
 * from.
 */
final class ShardPlan implements Serializable {

  /**
   * A shard to be written.
   *
   * @param split index in {@link Split#NAMES}
   * @param name as in {@link Shard#name}
   */
  record Planned(int split, String name, long firstToken, long tokens) implements Serializable {
    long end() {
      return firstToken + tokens;
    }
  }

  private final List<Planned> shards = new ArrayList<>();

  /**
   * @param splitTokens tokens of each split, in their order
   * @param shardTokens tokens of every shard but a split's last
   * @param firstNumber number of the first shard of each split
   */
  ShardPlan(long[] splitTokens, long shardTokens, int firstNumber) {
    long first = 0;
    for (int split = 0; split < splitTokens.length; split++) {
      long end = first + splitTokens[split];
      for (int number = firstNumber; first < end; number++) {
        long tokens = Math.min(shardTokens, end - first);
        shards.add(new Planned(split, Shard.name(Split.NAMES.get(split), number), first, tokens));
        first += tokens;
      }
    }
  }

  List<Planned> shards() {
    return shards;
  }

  /** The index of the shard that has a token. */
  int shardOf(long token) {
    int low = 0;
    int high = shards.size() - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (shards.get(middle).firstToken() <= token) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  /** Sends every chunk of tokens, whose key is its first token, to its shard. */
  Partitioner partitioner() {
    return new ByShard(shards.stream().mapToLong(Planned::firstToken).toArray());
  }

  private static final class ByShard extends Partitioner {
    private final long[] firstTokens;

    ByShard(long[] firstTokens) {
      this.firstTokens = firstTokens;
    }

    @Override
    public int numPartitions() {
      return firstTokens.length;
    }

    @Override
    public int getPartition(Object firstToken) {
      int found = Arrays.binarySearch(firstTokens, (Long) firstToken);
      return found >= 0 ? found : -found - 2;
    }
  }
}
