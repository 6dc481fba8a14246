package org.sparkrnn.worker.kernel;

import java.util.Arrays;

/** An arena on the Java heap; what {@link JavaKernel} works on. */
public final class HeapArena implements Arena {
  private static final int LARGEST_ARRAY = Integer.MAX_VALUE - 8;
  private static final float[] CLOSED = new float[0];

  private float[] data;

  public HeapArena(long floats) {
    if (floats < 0 || floats > LARGEST_ARRAY) {
      throw new IllegalStateException(
          "Cannot allocate %d floats on the heap: at most %d; set kernel.choice = native"
              .formatted(floats, LARGEST_ARRAY));
    }
    this.data = new float[(int) floats];
  }

  /** The array itself: offsets are indices. */
  float[] data() {
    if (data == CLOSED) {
      throw new IllegalStateException("Cannot use an arena after it was closed");
    }
    return data;
  }

  @Override
  public long floats() {
    return data.length;
  }

  @Override
  public void read(long offset, float[] target, int from, int count) {
    System.arraycopy(data(), Math.toIntExact(offset), target, from, count);
  }

  @Override
  public void write(long offset, float[] source, int from, int count) {
    System.arraycopy(source, from, data(), Math.toIntExact(offset), count);
  }

  @Override
  public void fill(long offset, long count, float value) {
    Arrays.fill(data(), Math.toIntExact(offset), Math.toIntExact(offset + count), value);
  }

  @Override
  public void copy(long from, long to, long count) {
    System.arraycopy(
        data(), Math.toIntExact(from), data, Math.toIntExact(to), Math.toIntExact(count));
  }

  @Override
  public void close() {
    data = CLOSED;
  }
}
