package org.sparkrnn.common.corpus;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
 * Reads elements of an array that is cut into shards, addressed by their position in the whole, at
 * many places in turn. Not for several threads.
 *
 * <p>A block is read whole and its checksum verified the first time that any of it is needed.
 * Afterwards pages of it are kept, the most recently used up to a fixed number; one that was
 * dropped is read again alone. A small split therefore stays in memory entirely, and a large one
 * read at hundreds of places costs two passes over the file and a page for each place at most.
 */
public final class ArrayReader implements AutoCloseable {
  private static final int PAGE_BYTES = 1 << 16;
  private static final int PAGES_PER_BLOCK = Shard.BLOCK_BYTES / PAGE_BYTES;
  private static final int DEFAULT_PAGES = 1024;
  private static final int OPEN_FILES = 32;
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle FLOATS =
      MethodHandles.byteArrayViewVarHandle(float[].class, ByteOrder.LITTLE_ENDIAN);

  private final Files files;
  private final String corpus;
  private final ElementType type;
  private final List<Shard> shards;
  private final long[] firstElements; // of each shard, and the total
  private final long[] firstPages; // number of each shard's first page in the cache
  private final BitSet[] verified; // blocks of each shard
  private final int maxPages;
  private final Map<Long, byte[]> pages = new LinkedHashMap<>(64, 0.75f, true);
  private final Map<Integer, SeekableByteChannel> channels = new LinkedHashMap<>(16, 0.75f, true);
  private int shard; // where the last read was
  private long bytesRead;

  /**
   * An array of a folder.
   *
   * @param shards its files in the order of their elements
   */
  public ArrayReader(Files files, String corpus, ElementType type, List<Shard> shards) {
    this(files, corpus, type, shards, DEFAULT_PAGES);
  }

  ArrayReader(Files files, String corpus, ElementType type, List<Shard> shards, int maxPages) {
    this.files = files;
    this.corpus = corpus;
    this.type = type;
    this.shards = List.copyOf(shards);
    this.maxPages = maxPages;
    this.firstElements = new long[shards.size() + 1];
    this.firstPages = new long[shards.size()];
    this.verified = new BitSet[shards.size()];
    long page = 0;
    for (int i = 0; i < shards.size(); i++) {
      firstElements[i + 1] = firstElements[i] + shards.get(i).tokens();
      firstPages[i] = page;
      page += (shards.get(i).bytes() + PAGE_BYTES - 1) / PAGE_BYTES;
      verified[i] = new BitSet();
    }
  }

  /** Number of elements of the whole array. */
  public long size() {
    return firstElements[shards.size()];
  }

  /** Bytes that have been read from files so far. */
  public long bytesRead() {
    return bytesRead;
  }

  /** Takes consecutive elements that lie in one page of one file. */
  @FunctionalInterface
  interface Decoder {
    /**
     * Decodes little-endian elements.
     *
     * @param inPage byte of the page at which the first stands
     * @param done elements that were decoded before
     * @param path of the file, for messages
     * @param offset byte of the file at which the first stands, for messages
     */
    void decode(byte[] page, int inPage, int done, int elements, String path, long offset)
        throws CorruptFileException;
  }

  /**
   * Reads consecutive elements.
   *
   * @throws CorruptFileException if a block that holds one of them is damaged; the message names
   *     the file and the byte
   */
  void read(long first, int count, Decoder decoder) throws IOException {
    if (first < 0 || count < 0 || first > size() - count) {
      throw new IndexOutOfBoundsException(
          "Cannot read %d elements at %d: %s has an array of %d"
              .formatted(count, first, corpus, size()));
    }
    long element = first;
    int done = 0;
    while (done < count) {
      if (element < firstElements[shard] || element >= firstElements[shard + 1]) {
        shard = shardOf(element);
      }
      long offset = NpyFormat.HEADER_BYTES + (element - firstElements[shard]) * type.bytes();
      byte[] page = page(offset / PAGE_BYTES);
      int inPage = (int) (offset % PAGE_BYTES);
      int elements = Math.min(count - done, (page.length - inPage) / type.bytes());
      decoder.decode(page, inPage, done, elements, path(), offset);
      done += elements;
      element += elements;
    }
  }

  /**
   * Reads consecutive indices.
   *
   * @param target out: from index {@code from}
   * @param limit what all of them are below
   * @param what they are, for messages: token, label
   * @throws CorruptFileException if a block is damaged or an index too large
   */
  public void readIndices(long first, int[] target, int from, int count, int limit, String what)
      throws IOException {
    Objects.checkFromIndexSize(from, count, target.length);
    read(
        first,
        count,
        (page, inPage, done, elements, path, offset) -> {
          for (int i = 0; i < elements; i++) {
            int at = inPage + i * type.bytes();
            int index = (page[at] & 0xff) | ((page[at + 1] & 0xff) << 8);
            if (type == ElementType.INT32) {
              index |= ((page[at + 2] & 0xff) << 16) | (page[at + 3] << 24);
            }
            if (Integer.compareUnsigned(index, limit) >= 0) {
              throw new CorruptFileException(
                  "Cannot read %s: %s %d at byte %d, the vocabulary has %d"
                      .formatted(path, what, index, offset + (long) i * type.bytes(), limit));
            }
            target[from + done + i] = index;
          }
        });
  }

  /** Reads consecutive elements of an array of {@link ElementType#INT64}. */
  public void readLongs(long first, long[] target, int from, int count) throws IOException {
    Objects.checkFromIndexSize(from, count, target.length);
    read(
        first,
        count,
        (page, inPage, done, elements, path, offset) -> {
          for (int i = 0; i < elements; i++) {
            target[from + done + i] = (long) LONGS.get(page, inPage + i * Long.BYTES);
          }
        });
  }

  /**
   * Reads consecutive elements of an array of {@link ElementType#FLOAT32}.
   *
   * @throws CorruptFileException if a block is damaged or a number not finite
   */
  public void readFloats(long first, float[] target, int from, int count) throws IOException {
    Objects.checkFromIndexSize(from, count, target.length);
    read(
        first,
        count,
        (page, inPage, done, elements, path, offset) -> {
          for (int i = 0; i < elements; i++) {
            float value = (float) FLOATS.get(page, inPage + i * Float.BYTES);
            if (!Float.isFinite(value)) {
              throw new CorruptFileException(
                  "Cannot read %s: the number at byte %d is %s"
                      .formatted(path, offset + (long) i * Float.BYTES, value));
            }
            target[from + done + i] = value;
          }
        });
  }

  @Override
  public void close() throws IOException {
    pages.clear();
    for (Iterator<SeekableByteChannel> open = channels.values().iterator(); open.hasNext(); ) {
      open.next().close();
      open.remove();
    }
  }

  /** The shard that holds an element; empty shards hold none. */
  private int shardOf(long element) {
    int found = Arrays.binarySearch(firstElements, element);
    int candidate = found >= 0 ? found : -found - 2;
    while (firstElements[candidate + 1] <= element) {
      candidate++;
    }
    while (firstElements[candidate] > element) {
      candidate--;
    }
    return candidate;
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
            "Cannot read %s: its header is %s, the manifest says %d elements of %s"
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
