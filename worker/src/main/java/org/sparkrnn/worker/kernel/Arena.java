package org.sparkrnn.worker.kernel;

/**
 * The memory of one running task: floats, addressed by their index, zero when it is made. Not
 * thread-safe: one task, one thread, one arena.
 */
public sealed interface Arena extends AutoCloseable permits HeapArena, NativeArena {
  long floats();

  void read(long offset, float[] target, int from, int count);

  void write(long offset, float[] source, int from, int count);

  void fill(long offset, long count, float value);

  /** Copies between regions that do not overlap. */
  void copy(long from, long to, long count);

  /**
   * Frees the memory; any later use throws {@link IllegalStateException}. Closing twice is fine.
   */
  @Override
  void close();
}
