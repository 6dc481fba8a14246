package org.sparkrnn.worker.kernel;

/** An arena outside the heap, 64-byte aligned; what {@link NativeKernel} works on. */
public final class NativeArena implements Arena {
  NativeArena(long floats) {
    throw new IllegalStateException(
        "Cannot allocate %d floats: no native library".formatted(floats));
  }

  @Override
  public long floats() {
    return 0;
  }

  @Override
  public void read(long offset, float[] target, int from, int count) {
    throw new IllegalStateException("Cannot read: no native library");
  }

  @Override
  public void write(long offset, float[] source, int from, int count) {
    throw new IllegalStateException("Cannot write: no native library");
  }

  @Override
  public void fill(long offset, long count, float value) {
    throw new IllegalStateException("Cannot fill: no native library");
  }

  @Override
  public void copy(long from, long to, long count) {
    throw new IllegalStateException("Cannot copy: no native library");
  }

  @Override
  public void close() {}
}
