package org.sparkrnn.driver.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;
import org.apache.hadoop.fs.FSDataInputStream;

/** A readable channel over a file of a Hadoop file system. */
final class HadoopChannel implements SeekableByteChannel {
  private static final int LARGEST_COPY = 1 << 16;

  private final FSDataInputStream input;
  private final long size;
  private long position;
  private boolean open = true;

  HadoopChannel(FSDataInputStream input, long size) {
    this.input = input;
    this.size = size;
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    requireOpen();
    if (!target.hasRemaining()) {
      return 0;
    }
    if (position >= size) {
      return -1;
    }
    if (input.getPos() != position) {
      input.seek(position);
    }
    int count;
    if (target.hasArray()) {
      count =
          input.read(target.array(), target.arrayOffset() + target.position(), target.remaining());
      if (count > 0) {
        target.position(target.position() + count);
      }
    } else {
      byte[] copy = new byte[Math.min(LARGEST_COPY, target.remaining())];
      count = input.read(copy, 0, copy.length);
      if (count > 0) {
        target.put(copy, 0, count);
      }
    }
    position += Math.max(0, count);
    return count;
  }

  @Override
  public long position() throws IOException {
    requireOpen();
    return position;
  }

  /** Only remembers the position: the stream seeks when it is next read. */
  @Override
  public SeekableByteChannel position(long newPosition) throws IOException {
    requireOpen();
    if (newPosition < 0) {
      throw new IllegalArgumentException("Cannot seek to position " + newPosition);
    }
    position = newPosition;
    return this;
  }

  @Override
  public long size() throws IOException {
    requireOpen();
    return size;
  }

  @Override
  public int write(ByteBuffer source) {
    throw new NonWritableChannelException();
  }

  @Override
  public SeekableByteChannel truncate(long newSize) {
    throw new NonWritableChannelException();
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  @Override
  public void close() throws IOException {
    if (open) {
      open = false;
      input.close();
    }
  }

  private void requireOpen() throws ClosedChannelException {
    if (!open) {
      throw new ClosedChannelException();
    }
  }
}
