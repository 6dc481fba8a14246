package org.sparkrnn.worker.sequences;

import java.io.IOException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.sparkrnn.common.sequences.SequenceSource;
import org.sparkrnn.worker.random.Philox;
import org.sparkrnn.worker.random.Purpose;

/**
 * Which sequences a replica trains on in a step of an epoch: a pure function of seed, epoch, plan
 * and the sequences' lengths.
 *
 * <p>The epoch takes the sequences in a random order, of which the replica has the places from
 * {@code first} on. Every {@code bucketBatches} batches they are sorted by length (equals by their
 * place) and cut into batches; these are taken in random order, but one that is not full last.
 */
public final class EpochOrder {
  private final SequenceSource source;
  private final Permutation order;
  private final long seed;
  private final int epoch;
  private final int replica;
  private final long first;
  private final long count;
  private final int streams;
  private final int bucketBatches;
  private long bucket = -1;
  private long[] sorted = new long[0];
  private int[] batches = new int[0];

  /**
   * The order of one replica.
   *
   * @param total sequences of the split
   * @param first place of the replica's first
   * @param count sequences of the replica
   */
  public EpochOrder(
      SequenceSource source,
      long seed,
      int epoch,
      int replica,
      long total,
      long first,
      long count,
      int streams,
      int bucketBatches) {
    this.source = source;
    this.order = new Permutation(Math.max(1, total), seed, epoch);
    this.seed = seed;
    this.epoch = epoch;
    this.replica = replica;
    this.first = first;
    this.count = count;
    this.streams = streams;
    this.bucketBatches = bucketBatches;
  }

  /**
   * The sequences of a step.
   *
   * @param target out: their numbers
   * @return how many
   */
  public int batch(long step, long[] target) throws IOException {
    long wanted = step / bucketBatches;
    if (wanted != bucket) {
      fill(wanted);
    }
    int from = batches[(int) (step % bucketBatches)] * streams;
    int size = Math.min(streams, sorted.length - from);
    System.arraycopy(sorted, from, target, 0, size);
    return size;
  }

  private void fill(long wanted) throws IOException {
    long begin = wanted * bucketBatches * streams;
    int size = (int) Math.min((long) bucketBatches * streams, count - begin);
    long[] numbers = new long[size];
    int[] lengths = new int[size];
    for (int i = 0; i < size; i++) {
      numbers[i] = order.at(first + begin + i);
      lengths[i] = bucketBatches > 1 ? source.length(numbers[i]) : 0;
    }
    sorted =
        IntStream.range(0, size)
            .boxed()
            .sorted(Comparator.comparingInt(i -> lengths[i]))
            .mapToLong(i -> numbers[i])
            .toArray();
    bucket = wanted;
    batches = orderOfBatches(size);
  }

  private int[] orderOfBatches(int size) {
    int full = size / streams;
    long[] keys = new long[full];
    int[] words = new int[4];
    for (int i = 0; i < full; i++) {
      long number = bucket * bucketBatches + i;
      Philox.block((int) number, epoch, replica, Purpose.BATCH_ORDER.code(), seed, words);
      keys[i] = Integer.toUnsignedLong(words[0]) << 16 | i;
    }
    Arrays.sort(keys);
    int[] ordered = new int[(size + streams - 1) / streams];
    for (int i = 0; i < full; i++) {
      ordered[i] = (int) (keys[i] & 0xffff);
    }
    if (full < ordered.length) {
      ordered[full] = full;
    }
    return ordered;
  }
}
