package org.sparkrnn.common.corpus;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32C;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.Files;

/**
 * Reads tokens of a split, addressed by their position in its logical sequence, at many places in
 * turn. Not for several threads.
 *
 * <p>A block is read whole and its checksum verified the first time that any of it is needed.
 * Afterwards pages of it are kept, the most recently used up to a fixed number; one that was
 * dropped is read again alone. A small split therefore stays in memory entirely, and a large one
 * read at hundreds of places costs two passes over the file and a page for each place at most.
 */
public final class TokenReader implements AutoCloseable {
  private static final int PAGE_BYTES = 1 << 16;
  private static final int PAGES_PER_BLOCK = Shard.BLOCK_BYTES / PAGE_BYTES;
  private static final int DEFAULT_PAGES = 1024;
  private static final int OPEN_FILES = 32;

  private final Files files;
  private final String corpus;
  private final int vocabularySize;
  private final ElementType type;
  private final List<Shard> shards;
  private final long[] firstTokens; // of each shard, and the total
  private final long[] firstPages; // number of each shard's first page in the cache
  private final BitSet[] verified; // blocks of each shard
  private final int maxPages;
  private final Map<Long, byte[]> pages = new LinkedHashMap<>(64, 0.75f, true);
  private final Map<Integer, SeekableByteChannel> channels = new LinkedHashMap<>(16, 0.75f, true);
  private int shard; // where the last read was
  private long bytesRead;

  TokenReader(Files files, String corpus, CorpusManifest manifest, Split split) {
    this(files, corpus, manifest, split, DEFAULT_PAGES);
  }

  TokenReader(Files files, String corpus, CorpusManifest manifest, Split split, int maxPages) {
    this.files = files;
    this.corpus = corpus;
    this.vocabularySize = manifest.vocabularySize();
    this.type = manifest.elementType();
    this.shards = split.shards();
    this.maxPages = maxPages;
    this.firstTokens = new long[shards.size() + 1];
    this.firstPages = new long[shards.size()];
    this.verified = new BitSet[shards.size()];
    long page = 0;
    for (int i = 0; i < shards.size(); i++) {
      firstTokens[i + 1] = firstTokens[i] + shards.get(i).tokens();
      firstPages[i] = page;
      page += (shards.get(i).bytes() + PAGE_BYTES - 1) / PAGE_BYTES;
      verified[i] = new BitSet();
    }
  }

  /** Number of tokens of the split. */
  public long tokens() {
    return firstTokens[shards.size()];
  }

  /** Bytes that have been read from files so far. */
  public long bytesRead() {
    return bytesRead;
  }

  /**
   * Reads consecutive tokens.
   *
   * @param firstToken position of the first in the split
   * @param target out: the tokens, from index {@code from}
   * @throws CorruptFileException if a block that holds one of them is damaged; the message names
   *     the file and the byte
   */
  public void read(long firstToken, int[] target, int from, int count) throws IOException {
    Objects.checkFromIndexSize(from, count, target.length);
    if (firstToken < 0 || firstToken > tokens() - count) {
      throw new IndexOutOfBoundsException(
          "Cannot read %d tokens at %d: %s has a split of %d"
              .formatted(count, firstToken, corpus, tokens()));
    }
    long token = firstToken;
    int to = from;
    while (to < from + count) {
      if (token < firstTokens[shard] || token >= firstTokens[shard + 1]) {
        shard = shardOf(token);
      }
      long offset = NpyFormat.HEADER_BYTES + (token - firstTokens[shard]) * type.bytes();
      byte[] page = page(offset / PAGE_BYTES);
      int inPage = (int) (offset % PAGE_BYTES);
      int elements = Math.min(from + count - to, (page.length - inPage) / type.bytes());
      decode(page, inPage, target, to, elements, offset);
      to += elements;
      token += elements;
    }
  }

  @Override
  public void close() throws IOException {
    pages.clear();
    for (Iterator<SeekableByteChannel> open = channels.values().iterator(); open.hasNext(); ) {
      open.next().close();
      open.remove();
    }
  }

  /** The shard that holds a token; empty shards hold none. */
  private int shardOf(long token) {
    int found = Arrays.binarySearch(firstTokens, token);
    int candidate = found >= 0 ? found : -found - 2;
    while (firstTokens[candidate + 1] <= token) {
      candidate++;
    }
    while (firstTokens[candidate] > token) {
      candidate--;
    }
    return candidate;
  }

  private void decode(byte[] page, int inPage, int[] target, int to, int elements, long offset)
      throws CorruptFileException {
    for (int i = 0; i < elements; i++) {
      int at = inPage + i * type.bytes();
      int token = (page[at] & 0xff) | ((page[at + 1] & 0xff) << 8);
      if (type == ElementType.INT32) {
        token |= ((page[at + 2] & 0xff) << 16) | (page[at + 3] << 24);
      }
      if (Integer.compareUnsigned(token, vocabularySize) >= 0) {
        throw new CorruptFileException(
            "Cannot read %s: token %d at byte %d, the vocabulary has %d"
                .formatted(path(), token, offset + (long) i * type.bytes(), vocabularySize));
      }
      target[to + i] = token;
    }
  }

  /** A page of the current shard. */
  private byte[] page(long number) throws IOException {
    long key = firstPages[shard] + number;
    byte[] page = pages.get(key);
    if (page == null) {
      int block = (int) (number / PAGES_PER_BLOCK);
      page = verified[shard].get(block) ? readPage(number) : readBlock(block, number);
      keep(key, page);
    }
    return page;
  }

  private byte[] readPage(long number) throws IOException {
    return readBytes(number * PAGE_BYTES, PAGE_BYTES);
  }

  /** Reads and verifies a block, keeps its pages, and returns the one asked for. */
  private byte[] readBlock(int block, long number) throws IOException {
    long position = (long) block * Shard.BLOCK_BYTES;
    byte[] bytes = readBytes(position, Shard.BLOCK_BYTES);
    CRC32C checksum = new CRC32C();
    checksum.update(bytes, 0, bytes.length);
    int expected = shards.get(shard).checksum(block);
    if ((int) checksum.getValue() != expected) {
      throw new CorruptFileException(
          "Cannot read %s: the CRC32C of the %d bytes at byte %d is %08x, the manifest says %08x"
              .formatted(path(), bytes.length, position, (int) checksum.getValue(), expected));
    }
    if (block == 0) {
      NpyFormat.Header header = NpyFormat.parse(bytes, path());
      if (header.type() != type
          || header.elements() != shards.get(shard).tokens()
          || header.dataOffset() != NpyFormat.HEADER_BYTES) {
        throw new CorruptFileException(
            "Cannot read %s: its header is %s, the manifest says %d tokens of %s"
                .formatted(path(), header, shards.get(shard).tokens(), type.descr()));
      }
    }
    verified[shard].set(block);
    long firstPage = (long) block * PAGES_PER_BLOCK;
    byte[] wanted = bytes;
    for (int from = 0; from < bytes.length; from += PAGE_BYTES) {
      byte[] page = Arrays.copyOfRange(bytes, from, Math.min(from + PAGE_BYTES, bytes.length));
      long current = firstPage + from / PAGE_BYTES;
      if (current == number) {
        wanted = page;
      } else {
        keep(firstPages[shard] + current, page);
      }
    }
    return wanted;
  }

  private void keep(long key, byte[] page) {
    pages.put(key, page);
    if (pages.size() > maxPages) {
      Iterator<byte[]> eldest = pages.values().iterator();
      eldest.next();
      eldest.remove();
    }
  }

  private byte[] readBytes(long position, int most) throws IOException {
    byte[] bytes = new byte[(int) Math.min(most, shards.get(shard).bytes() - position)];
    Channels.readFully(channel(), position, ByteBuffer.wrap(bytes), path());
    bytesRead += bytes.length;
    return bytes;
  }

  /** The open file of the current shard. */
  private SeekableByteChannel channel() throws IOException {
    SeekableByteChannel channel = channels.get(shard);
    if (channel == null) {
      if (channels.size() >= OPEN_FILES) {
        Iterator<SeekableByteChannel> eldest = channels.values().iterator();
        eldest.next().close();
        eldest.remove();
      }
      channel = files.open(path());
      long size = channel.size();
      if (size != shards.get(shard).bytes()) {
        channel.close();
        throw new CorruptFileException(
            "Cannot read %s: it is %d bytes long, the manifest says %d"
                .formatted(path(), size, shards.get(shard).bytes()));
      }
      channels.put(shard, channel);
    }
    return channel;
  }

  private String path() {
    return Files.join(corpus, shards.get(shard).name());
  }
}
