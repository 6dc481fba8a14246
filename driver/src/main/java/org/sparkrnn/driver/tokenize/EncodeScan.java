package org.sparkrnn.driver.tokenize;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.driver.storage.HadoopFiles;
import scala.Tuple2;

/**
 * Encodes the tokens of ranges as chunks for the shuffle: key is the number of the first token; the
 * value is the number of unknown tokens (32 bits) and the indices (32 bits each). A chunk never
 * crosses the border of a shard.
 */
final class EncodeScan extends RangeScan<Tuple2<Long, byte[]>> {
  private static final int CHUNK_TOKENS = 1 << 14;

  private final TokenIndex index;
  private final ShardPlan plan;
  private final long[] firstTokens;
  private ByteBuffer chunk = newChunk();
  private int chunkUnknown;
  private long chunkStart;
  private long next;
  private long chunkEnd;

  /**
   * @param firstTokens number of the first token of each range, and behind the last
   */
  EncodeScan(
      HadoopFiles files,
      List<TextRange> ranges,
      Unit unit,
      boolean replaceInvalid,
      TokenIndex index,
      ShardPlan plan,
      long[] firstTokens) {
    super(files, ranges, unit, replaceInvalid);
    this.index = index;
    this.plan = plan;
    this.firstTokens = firstTokens;
  }

  @Override
  public void character(int codePoint) {
    add(index.indexOf(codePoint));
  }

  @Override
  public void word(String word) {
    add(index.indexOf(word));
  }

  @Override
  void beginRange(TextRange range) {
    long first = firstTokens[range.number()];
    if (next != first) { // else the chunk goes on: ranges of a task are neighbours
      handOn();
      next = first;
      beginChunk();
    }
  }

  @Override
  void afterBuffer() {}

  @Override
  void endRange(TextRange range) throws IOException {
    if (next != firstTokens[range.number() + 1]) {
      throw new TextProblemException(
          "Cannot tokenize %s: it changed while it was read".formatted(range.path()));
    }
  }

  @Override
  void problem(TextRange range, TextProblemException problem) throws IOException {
    throw problem;
  }

  @Override
  void end() {
    handOn();
  }

  private void add(int token) {
    if (next == chunkEnd) {
      handOn();
      beginChunk();
    }
    if (token < 0) {
      chunkUnknown++;
      chunk.putInt(index.unknown());
    } else {
      chunk.putInt(token);
    }
    next++;
  }

  private void beginChunk() {
    ShardPlan.Planned shard = plan.shards().get(plan.shardOf(next));
    chunkStart = next;
    chunkEnd = Math.min(shard.end(), next + CHUNK_TOKENS);
  }

  private void handOn() {
    if (next > chunkStart) {
      chunk.putInt(0, chunkUnknown);
      byte[] bytes = new byte[chunk.position()];
      chunk.get(0, bytes);
      emit(new Tuple2<>(chunkStart, bytes));
    }
    chunk = newChunk();
    chunkUnknown = 0;
    chunkStart = next;
    chunkEnd = next;
  }

  private static ByteBuffer newChunk() {
    return ByteBuffer.allocate(Integer.BYTES * (1 + CHUNK_TOKENS)).position(Integer.BYTES);
  }
}
