package org.sparkrnn.common.corpus;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import org.sparkrnn.common.storage.Files;

/**
 * Writes one file of an array from its first to its last element, in memory of one block. How many
 * there will be is said first, because the header stands before them and streams cannot go back.
 *
 * <p>A file counts only once a manifest lists it: after a failure it may be left behind or written
 * again.
 */
public final class ArrayWriter implements AutoCloseable {
  private final String name;
  private final long elements;
  private final ElementType type;
  private final OutputStream out;
  private final ByteBuffer block =
      ByteBuffer.allocate(Shard.BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final StringBuilder checksums = new StringBuilder();
  private long written;
  private boolean closed;

  /**
   * Creates or overwrites a file.
   *
   * @param name path below the corpus
   * @param elements exact number of elements to come
   */
  public ArrayWriter(Files files, String corpus, String name, ElementType type, long elements)
      throws IOException {
    this.name = name;
    this.elements = elements;
    this.type = type;
    block.put(NpyFormat.header(type, elements));
    this.out = files.create(Files.join(corpus, name));
  }

  /** Appends an element of a type of integers; the caller checks that it fits. */
  public void write(long element) throws IOException {
    makeRoom();
    switch (type) {
      case UINT16 -> block.putShort((short) element);
      case INT32 -> block.putInt((int) element);
      case INT64 -> block.putLong(element);
      case FLOAT32 -> throw new IllegalArgumentException("Cannot write an integer to " + name);
    }
    written++;
  }

  /** Appends a real number. */
  public void write(float element) throws IOException {
    if (type != ElementType.FLOAT32) {
      throw new IllegalArgumentException("Cannot write a real number to " + name);
    }
    makeRoom();
    block.putFloat(element);
    written++;
  }

  private void makeRoom() throws IOException {
    if (!block.hasRemaining()) {
      flushBlock();
    }
  }

  /**
   * Ends the file; it is durable afterwards.
   *
   * @throws IllegalStateException if there were not as many elements as announced
   */
  public Shard finish() throws IOException {
    if (written != elements) {
      throw new IllegalStateException(
          "Cannot finish %s: %d elements were written, %d announced"
              .formatted(name, written, elements));
    }
    flushBlock();
    close();
    long bytes = NpyFormat.HEADER_BYTES + elements * type.bytes();
    return new Shard(name, elements, bytes, checksums.toString());
  }

  /** Releases the file; without {@link #finish} before, it is not whole. */
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
