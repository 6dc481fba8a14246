package org.sparkrnn.common.storage;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;

/** Whole reads from files whose length is checked first. */
public final class Channels {
  private Channels() {}

  /**
   * Fills what remains of the buffer from a position of the file.
   *
   * @throws CorruptFileException if the file ends before
   */
  public static void readFully(
      SeekableByteChannel channel, long position, ByteBuffer target, String path)
      throws IOException {
    channel.position(position);
    while (target.hasRemaining()) {
      if (channel.read(target) < 0) {
        throw new CorruptFileException(
            "Cannot read %s: it ends at byte %d, %d bytes early"
                .formatted(path, channel.position(), target.remaining()));
      }
    }
  }

  /**
   * All bytes of a file.
   *
   * @throws CorruptFileException if it is longer than {@code limit}
   * @throws BadInputException if the heap cannot hold it
   */
  public static byte[] readAll(Files files, String path, int limit) throws IOException {
    try (SeekableByteChannel channel = files.open(path)) {
      return readAll(channel, path, limit);
    }
  }

  /** As {@link #readAll(Files, String, int)}, from a channel that the caller closes. */
  public static byte[] readAll(SeekableByteChannel channel, String path, int limit)
      throws IOException {
    long size = channel.size();
    if (size > limit) {
      throw new CorruptFileException(
          "Cannot read %s: it is %d bytes long, at most %d are expected"
              .formatted(path, size, limit));
    }
    HeapLimit.require(path, 2 * size); // whoever reads all of it makes something of it
    byte[] bytes = new byte[(int) size];
    readFully(channel, 0, ByteBuffer.wrap(bytes), path);
    return bytes;
  }

  /** Creates a file with these bytes. */
  public static void writeAll(Files files, String path, byte[] bytes) throws IOException {
    if (path.isEmpty()) {
      throw new BadInputException("Cannot write a file: its path is empty");
    }
    try (OutputStream out = files.create(path)) {
      out.write(bytes);
    }
  }
}
