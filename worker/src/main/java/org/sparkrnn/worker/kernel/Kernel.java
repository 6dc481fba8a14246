package org.sparkrnn.worker.kernel;

import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkrnn.common.config.KernelConfig;
import org.sparkrnn.common.config.KernelConfig.Isa;
import org.sparkrnn.common.config.KernelConfig.Precision;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.worker.random.PhiloxKey;

/**
 * The arithmetic of a training task in float32; {@link Precision} says what the operands of
 * products are rounded to. All kernels of a precision, and all variants of one, agree bit for bit
 * (NaN payloads aside): docs/numerics.md fixes the order of every sum and every operation.
 *
 * <p>Every operation checks its arguments and throws {@link IllegalArgumentException}; NaN and
 * infinities are computed with, not checked. Nothing is allocated inside a time step. All matrices
 * of one call lie in an arena that this kernel allocated. Stateless: one kernel serves any number
 * of threads, each with its own arena.
 */
public sealed interface Kernel permits JavaKernel, NativeKernel {

  /**
   * The kernel that the settings ask for.
   *
   * @throws BadInputException if this machine can only emulate the precision and may not
   * @throws IllegalStateException with the reason, if the native kernel is asked for and not there
   */
  static Kernel create(KernelConfig config) {
    return switch (config.choice()) {
      case JAVA -> java(config);
      case NATIVE -> new NativeKernel(config);
      case AUTO -> nativeOrElseJava(config);
    };
  }

  /**
   * A kernel whose sizes are those of the settings' kernel, though this machine may lack the
   * processor that it needs: a driver plans for its executors.
   *
   * @throws IllegalStateException with the reason, if the native kernel is asked for and not there
   */
  static Kernel ofSizes(KernelConfig config) {
    return create(new KernelConfig(config.choice(), Isa.AUTO, config.precision(), true));
  }

  private static Kernel java(KernelConfig config) {
    if (config.precision() != Precision.FLOAT32 && !config.bf16Emulation()) {
      throw onlyEmulated(config.precision(), "the Java kernel only emulates it");
    }
    return new JavaKernel(config.precision());
  }

  static BadInputException onlyEmulated(Precision precision, String reason) {
    return new BadInputException(
        "Cannot use kernel.precision = %s: %s; kernel.bf16-emulation = true allows that, many times slower"
            .formatted(settingOf(precision), reason));
  }

  /** As the setting {@code kernel.precision} writes it. */
  static String settingOf(Precision precision) {
    return precision.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static Kernel nativeOrElseJava(KernelConfig config) {
    try {
      return new NativeKernel(config);
    } catch (IllegalStateException failure) {
      Kernel java = java(config);
      Logger log = LoggerFactory.getLogger(Kernel.class);
      log.warn("{}; falling back to the slower Java kernel", failure.getMessage());
      return java;
    }
  }

  /** The variant for logs and statistics: {@code java}, {@code native-avx512}, … */
  String name();

  /** An arena of the plan's size, all +0. */
  Arena allocate(ArenaPlan plan);

  /** Size of {@link RecurrentLayer#packed}: packed weights and scratch memory. */
  long recurrentFloats(LayerShape shape);

  /** Size of {@link SoftmaxHead#packed}: packed weights and scratch memory. */
  long softmaxFloats(int positions, int hidden, int vocabulary, boolean backward);

  /** Repacks a layer's parameters; needed before {@link #forward} whenever they have changed. */
  void pack(RecurrentLayer layer);

  /** Repacks the head's parameters; needed whenever they have changed. */
  void packOutput(SoftmaxHead head);

  /**
   * A window of one layer: from {@code x} (or the tokens) and the state before the window to {@code
   * gates}, {@code hidden} and {@code cellState}.
   *
   * @param time steps of this window, at most the layer's
   * @param tokens one-hot input, one per position; ignored (may be empty) if the layer has an x
   */
  void forward(RecurrentLayer layer, int time, int[] tokens);

  /**
   * The gradients of that window, right after {@link #forward} with the same arguments: {@code
   * gates} becomes the gradient by the pre-activations; {@code dx} and the parameter gradients are
   * overwritten; {@code dHidden} and {@code dCell} are replaced.
   */
  void backward(RecurrentLayer layer, int time, int[] tokens);

  /**
   * Softmax and cross-entropy of the first positions: writes {@code statistics}; {@link
   * SoftmaxHead#losses} reads losses from them.
   *
   * @param scale factor of every position's loss in the gradients ({@code 1/positions}: mean)
   * @param gradients whether to overwrite {@code dHidden}, {@code dWeights} and {@code dBias}
   */
  void softmaxLoss(SoftmaxHead head, int positions, int[] labels, float scale, boolean gradients);

  /**
   * Squared error of the first positions, whose logits are then the outputs themselves: writes
   * {@code Σ (output − target)²} of each to the first column of {@code statistics}, +0 to the
   * others. The gradient by an output is {@code (output − target)·scale}.
   *
   * @param targets {@code [positions, vocabulary]}
   * @param gradients whether to overwrite {@code dHidden}, {@code dWeights} and {@code dBias}
   */
  void squaredLoss(SoftmaxHead head, int positions, Matrix targets, float scale, boolean gradients);

  /**
   * Logits of the first positions: for generation, and the head as a linear layer. Touches nothing
   * else but scratch memory.
   */
  void logits(SoftmaxHead head, int positions, Matrix logits);

  /**
   * The gradients of {@link #logits}: overwrites {@code dHidden}, {@code dWeights} and {@code
   * dBias}.
   *
   * @param dLogits {@code [positions, vocabulary]}, padded
   */
  void logitsBackward(SoftmaxHead head, int positions, Matrix dLogits);

  /** {@code out[i] = table[rows[i]]} for the first {@code count} rows. */
  void gatherRows(Matrix table, int[] rows, int count, Matrix out);

  /** {@code dTable[rows[i]] += dOut[i]} for the first {@code count} rows, in that order. */
  void scatterAddRows(Matrix dOut, int[] rows, int count, Matrix dTable);

  /** {@code table[rows[i]] = +0} for the first {@code count} rows. */
  void zeroRows(Matrix table, int[] rows, int count);

  /**
   * Moves columns of rows: {@code to[i][toColumn + j] = from[rows[i]][fromColumn + j]}, or adds
   * them to what is there, for the first {@code count} rows. A row of −1 counts as +0. The matrices
   * may not overlap.
   */
  void moveRows(
      Matrix from,
      int fromColumn,
      int[] rows,
      int count,
      Matrix to,
      int toColumn,
      int columns,
      boolean add);

  /**
   * Pools the states of each stream over its steps: their mean (sum upwards from +0, divided by
   * their number) or, element by element, the largest; +0 for a stream without a step.
   *
   * @param states {@code [steps · streams, units]}, padded, row step·streams + stream
   * @param lengths steps of each stream
   * @param pooled {@code [streams, units]}, padded; overwritten
   */
  void pool(Matrix states, int[] lengths, boolean largest, Matrix pooled);

  /**
   * The gradient by the states: the pooled one over the number of steps, or all of it to the first
   * step that has the largest value; +0 beyond a stream's steps.
   *
   * @param time steps of {@code dStates} to overwrite, those of the longest stream or more
   * @param dPooled in: gradient by {@code pooled}; out: used up
   */
  void poolGradient(
      Matrix states,
      int time,
      int[] lengths,
      boolean largest,
      Matrix pooled,
      Matrix dPooled,
      Matrix dStates);

  /**
   * {@code out = in ∘ mask / (1 − rate)} for the first rows, both padded or both dense; forward on
   * activations or weights, backward on their gradients with the same key. In and out may be the
   * same.
   *
   * @param period rows after which the mask begins again; {@code rows} for one of its own for each
   * @param rate probability of a zero, in [0, 1)
   */
  void dropout(Matrix in, Matrix out, int rows, int period, float rate, PhiloxKey key);

  /**
   * The choice of {@link #dropout} itself, for rows {@code [time · batch, columns]}: of each 16
   * columns the sum of 2ⁱ over those columns 16·block + i whose element it keeps.
   *
   * @param out {@code [time or more · blocks of 16 columns, batch]}, padded; the first rows are
   *     overwritten
   */
  void choose(Matrix out, int time, int columns, float rate, PhiloxKey key);

  /**
   * {@code out = fma(factor, left − right, out)} for the first rows, all padded and of equal shape
   * but for more rows; without {@code right} (absent) {@code out = fma(factor, left, out)}.
   */
  void addDifference(Matrix left, Matrix right, int rows, float factor, Matrix out);

  /**
   * {@code matrix[p] = matrix[p]·factors[p]} for the first rows, padded; +0 where the factor is 0.
   *
   * @param factors finite, not negative
   */
  void scaleRows(Matrix matrix, int rows, float[] factors);

  /** Σ v² in double over a dense matrix: 16 lanes, element i in lane i mod 16. */
  double sumOfSquares(Matrix vector);

  /** The sums of squares of the first {@code count} rows, in that order, added in double. */
  double sumOfSquares(Matrix table, int[] rows, int count);

  /**
   * One step of an optimizer.
   *
   * @param moments the rule's vectors; all matrices are dense and of equal size
   */
  void update(
      Matrix parameters,
      Matrix gradients,
      List<Matrix> moments,
      UpdateRule rule,
      GradientTransform transform);

  /** The same for the first {@code count} rows of two tables of equal shape. */
  void updateRows(
      Matrix table,
      Matrix dTable,
      int[] rows,
      int count,
      UpdateRule.Sgd rule,
      GradientTransform transform);
}
