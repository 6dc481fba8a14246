package org.sparkrnn.common.corpus;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import org.sparkrnn.common.storage.Files;

/**
 * Writes one shard from its first to its last token, in memory of one block. How many tokens there
 * will be is said first, because the header stands before them and streams cannot go back.
 *
 * <p>A shard counts only once a manifest lists it: after a failure the file may be left behind or
 * written again.
 */
public final class ShardWriter implements AutoCloseable {
  private final String name;
  private final long tokens;
  private final ElementType type;
  private final int vocabularySize;
  private final OutputStream out;
  private final ByteBuffer block =
      ByteBuffer.allocate(Shard.BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final StringBuilder checksums = new StringBuilder();
  private long written;
  private boolean closed;

  /**
   * Creates or overwrites a shard.
   *
   * @param name path below the corpus, see {@link Shard#name}
   * @param vocabularySize decides the element type; every token must be below
   * @param tokens exact number of tokens to come
   */
  public ShardWriter(Files files, String corpus, String name, int vocabularySize, long tokens)
      throws IOException {
    this.name = name;
    this.tokens = tokens;
    this.vocabularySize = vocabularySize;
    this.type = ElementType.forVocabulary(vocabularySize);
    block.put(NpyFormat.header(type, tokens));
    this.out = files.create(Files.join(corpus, name));
  }

  /** Appends a token. */
  public void write(int token) throws IOException {
    if (token < 0 || token >= vocabularySize) {
      throw new IllegalArgumentException(
          "Cannot write token %d to %s: the vocabulary has %d"
              .formatted(token, name, vocabularySize));
    }
    if (!block.hasRemaining()) {
      flushBlock();
    }
    if (type == ElementType.UINT16) {
      block.putShort((short) token);
    } else {
      block.putInt(token);
    }
    written++;
  }

  /** Appends tokens. */
  public void write(int[] source, int from, int count) throws IOException {
    for (int i = from; i < from + count; i++) {
      write(source[i]);
    }
  }

  /**
   * Ends the file; it is durable afterwards.
   *
   * @throws IllegalStateException if there were not as many tokens as announced
   */
  public Shard finish() throws IOException {
    if (written != tokens) {
      throw new IllegalStateException(
          "Cannot finish %s: %d tokens were written, %d announced"
              .formatted(name, written, tokens));
    }
    flushBlock();
    close();
    long bytes = NpyFormat.HEADER_BYTES + tokens * type.bytes();
    return new Shard(name, tokens, bytes, checksums.toString());
  }

  /** Releases the file; without {@link #finish} before, it is not a shard. */
  @Override
  public void close() throws IOException {
    if (!closed) {
      closed = true;
      out.close();
    }
  }

  private void flushBlock() throws IOException {
    CRC32C checksum = new CRC32C();
    checksum.update(block.array(), 0, block.position());
    checksums.append(HexFormat.of().toHexDigits((int) checksum.getValue()));
    out.write(block.array(), 0, block.position());
    block.clear();
  }
}
