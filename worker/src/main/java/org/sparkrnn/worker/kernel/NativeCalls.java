package org.sparkrnn.worker.kernel;

/**
 * The functions of the native library (jni_bridge.c). Addresses are of floats, sizes in floats
 * unless they say bytes. Nothing is checked here: a wrong argument ends the process. {@link
 * NativeKernel} and {@link NativeArena} check first.
 */
final class NativeCalls {
  private NativeCalls() {}

  /** The number of a variant for ISA_… and ARITHMETIC_… in kernel.h; 0: none runs here. */
  static native int variant(int isa, int arithmetic);

  /** A variant's name: {@code avx512}, {@code avx512_bf16}, … */
  static native String name(int variant);

  /** An address, 0 if there is no memory. */
  static native long map(long bytes);

  static native void unmap(long address, long bytes);

  static native void read(long address, float[] target, int from, int count);

  static native void write(long address, float[] source, int from, int count);

  static native void fill(long address, long count, float value);

  static native void copy(long from, long to, long count);

  static native long recurrentFloats(
      int variant,
      int cell,
      int time,
      int batch,
      int input,
      int hidden,
      int output,
      boolean oneHot,
      boolean normalised,
      boolean backward);

  static native long softmaxFloats(
      int variant, int positions, int hidden, int vocabulary, boolean backward);

  static native void pack(int variant, long[] layer);

  static native void forward(int variant, long[] layer, int time, int[] tokens);

  static native void backward(int variant, long[] layer, int time, int[] tokens);

  static native void softmaxLoss(
      int variant, long[] head, int positions, int[] labels, float scale, boolean gradients);

  static native void squaredLoss(
      int variant,
      long[] head,
      int positions,
      long targets,
      int stride,
      float scale,
      boolean gradients);

  static native void logits(int variant, long[] head, int positions, long logits, int stride);

  static native void logitsBackward(
      int variant, long[] head, int positions, long dLogits, int stride);

  static native void gatherRows(
      long table, int columns, int[] rows, int count, long out, int stride);

  static native void scatterAddRows(
      int variant, long from, int stride, int[] rows, int count, long table, int columns);

  static native void zeroRows(long table, int columns, int[] rows, int count);

  static native void moveRows(
      long from,
      int fromStride,
      int[] rows,
      int count,
      int columns,
      long to,
      int toStride,
      boolean add);

  static native void pool(
      int batch, int stride, int columns, boolean largest, int[] lengths, long states, long pooled);

  static native void poolGradient(
      int batch,
      int stride,
      int columns,
      boolean largest,
      int time,
      int[] lengths,
      long states,
      long pooled,
      long dPooled,
      long dStates);

  static native void dropout(
      int variant,
      long in,
      int inStride,
      long out,
      int outStride,
      int rows,
      int period,
      int columns,
      int threshold,
      float factor,
      long seed,
      int step,
      int replica,
      int purpose);

  static native void choose(
      int variant,
      long out,
      int time,
      int batch,
      int columns,
      int threshold,
      long seed,
      int step,
      int replica,
      int purpose);

  /** Right 0 for zeros; count a multiple of 16. */
  static native void addDifference(
      int variant, long left, long right, float factor, long out, long count);

  static native void scaleRows(int variant, long matrix, int stride, float[] factors, int rows);

  static native double sumOfSquares(int variant, long vector, long count);

  static native void update(
      int variant,
      int rule,
      float[] coefficients,
      long parameters,
      long gradients,
      long firstMoment,
      long secondMoment,
      long count);
}
