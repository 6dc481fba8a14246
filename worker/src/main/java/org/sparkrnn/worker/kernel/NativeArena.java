package org.sparkrnn.worker.kernel;

import java.util.Objects;

/**
 * An arena outside the heap, in a mapping of its own: 64-byte aligned, zero, huge pages advised,
 * not bounded by the heap's settings; what {@link NativeKernel} works on. The memory counts towards
 * {@code spark.executor.memoryOverhead}.
 */
public final class NativeArena implements Arena {
  private final int variant;
  private final long floats;
  private final NativeBuffers buffers = new NativeBuffers(this);
  private long address;

  /**
   * Allocates zeros.
   *
   * @param variant of the kernel whose layers will lie here
   */
  NativeArena(int variant, long floats) {
    NativeLibrary.require();
    this.variant = variant;
    this.floats = floats;
    this.address = NativeCalls.map(bytes());
    if (address == 0) {
      throw new IllegalStateException(
          "Cannot allocate %d bytes of native memory: the system has no more".formatted(bytes()));
    }
  }

  private long bytes() {
    return Math.max(1, Math.multiplyExact(floats, (long) Float.BYTES));
  }

  @Override
  public long floats() {
    return floats;
  }

  int variant() {
    return variant;
  }

  /** What C is told of the layers that lie here. */
  NativeBuffers buffers() {
    return buffers;
  }

  /** Where a matrix begins; 0 if it is absent. It lies in its arena: its constructor checks. */
  long address(Matrix matrix) {
    if (matrix.arena() != this) {
      throw new IllegalArgumentException("Cannot compute with matrices of two arenas");
    }
    long begin = address(matrix.offset());
    return matrix.isAbsent() ? 0 : begin;
  }

  /** The address of a float. */
  long address(long offset) {
    requireOpen();
    return address + offset * Float.BYTES;
  }

  void requireOpen() {
    if (address == 0) {
      throw new IllegalStateException("Cannot use an arena after it was closed");
    }
  }

  private long region(long offset, long count) {
    if (offset < 0 || count < 0 || offset > floats - count) {
      throw new IndexOutOfBoundsException(
          "Cannot use floats %d to %d of an arena of %d".formatted(offset, offset + count, floats));
    }
    return address(offset);
  }

  private static void checkArray(float[] array, int from, int count) {
    Objects.checkFromIndexSize(from, count, array.length);
  }

  @Override
  public void read(long offset, float[] target, int from, int count) {
    checkArray(target, from, count);
    NativeCalls.read(region(offset, count), target, from, count);
  }

  @Override
  public void write(long offset, float[] source, int from, int count) {
    checkArray(source, from, count);
    NativeCalls.write(region(offset, count), source, from, count);
  }

  @Override
  public void fill(long offset, long count, float value) {
    NativeCalls.fill(region(offset, count), count, value);
  }

  @Override
  public void copy(long from, long to, long count) {
    NativeCalls.copy(region(from, count), region(to, count), count);
  }

  @Override
  public void close() {
    if (address != 0) {
      NativeCalls.unmap(address, bytes());
      address = 0;
    }
  }
}
