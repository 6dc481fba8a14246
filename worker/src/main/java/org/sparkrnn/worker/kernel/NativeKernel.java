package org.sparkrnn.worker.kernel;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.sparkrnn.common.config.KernelConfig;
import org.sparkrnn.common.config.KernelConfig.Isa;
import org.sparkrnn.common.config.KernelConfig.Precision;
import org.sparkrnn.worker.random.PhiloxKey;

/**
 * The kernel in C (worker/src/main/native, docs/kernel.md): weights packed once per local step,
 * gates computed on the tile, large products for everything that can be one. Its variants give the
 * bits of {@link JavaKernel}.
 *
 * <p>Here everything is checked, then one native function is called with addresses and sizes.
 */
public final class NativeKernel implements Kernel {
  /** In the order of RULE_… in kernel.h. */
  private static final List<Class<? extends UpdateRule>> RULES =
      List.of(
          UpdateRule.Sgd.class,
          UpdateRule.Momentum.class,
          UpdateRule.RmsProp.class,
          UpdateRule.AdaDelta.class,
          UpdateRule.Adam.class,
          UpdateRule.AveragedSgd.class);

  private static final Set<Integer> TESTED = new HashSet<>();

  private final int variant;
  private final String name;

  /**
   * The variant that the settings ask for.
   *
   * @throws BadInputException if the processor can only emulate the precision and may not
   * @throws IllegalStateException with the reason, if the library is not there or the processor
   *     cannot run the variant
   */
  public NativeKernel(KernelConfig config) {
    this(config.isa(), Arithmetic.of(config));
  }

  /** The variant of an instruction set with products in float32. */
  public NativeKernel(Isa isa) {
    this(isa, Arithmetic.FLOAT32);
  }

  NativeKernel(Isa isa, Arithmetic arithmetic) {
    this.variant = arithmetic.variant(isa);
    if (variant == 0) {
      throw new IllegalStateException(
          "Cannot use kernel.isa = %s: this processor does not run it"
              .formatted(Arithmetic.text(isa)));
    }
    this.name = "native-" + NativeCalls.name(variant).replace('_', '-');
    testOnce(arithmetic.precision());
  }

  /** The self-test of a variant, once per process. */
  private void testOnce(Precision precision) {
    synchronized (TESTED) {
      if (TESTED.contains(variant)) {
        return;
      }
      KernelSelfTest.firstDifference(this, new JavaKernel(precision))
          .ifPresent(
              difference -> {
                throw new IllegalStateException(
                    "Cannot use the kernel %s: its self-test failed, %s"
                        .formatted(name, difference));
              });
      TESTED.add(variant);
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Arena allocate(ArenaPlan plan) {
    return new NativeArena(variant, plan.floats());
  }

  @Override
  public long recurrentFloats(LayerShape shape) {
    return NativeBuffers.recurrentFloats(variant, shape);
  }

  @Override
  public long softmaxFloats(int positions, int hidden, int vocabulary, boolean backward) {
    return NativeCalls.softmaxFloats(variant, positions, hidden, vocabulary, backward);
  }

  @Override
  public void pack(RecurrentLayer layer) {
    NativeCalls.pack(variant, describe(layer));
  }

  /** Nothing: the output layer reads its weights where they are. */
  @Override
  public void packOutput(SoftmaxHead head) {
    describe(head);
  }

  @Override
  public void forward(RecurrentLayer layer, int time, int[] tokens) {
    layer.checkForward(time, tokens);
    NativeCalls.forward(variant, describe(layer), time, tokens);
  }

  @Override
  public void backward(RecurrentLayer layer, int time, int[] tokens) {
    layer.checkBackward(time, tokens);
    NativeCalls.backward(variant, describe(layer), time, tokens);
  }

  @Override
  public void softmaxLoss(
      SoftmaxHead head, int positions, int[] labels, float scale, boolean gradients) {
    head.checkLoss(positions, labels, gradients);
    NativeCalls.softmaxLoss(variant, describe(head), positions, labels, scale, gradients);
  }

  @Override
  public void squaredLoss(
      SoftmaxHead head, int positions, Matrix targets, float scale, boolean gradients) {
    head.checkSquaredLoss(positions, targets, gradients);
    NativeArena arena = arenaOf(head.weights());
    NativeCalls.squaredLoss(
        variant,
        describe(head),
        positions,
        arena.address(targets),
        targets.stride(),
        scale,
        gradients);
  }

  @Override
  public void logits(SoftmaxHead head, int positions, Matrix logits) {
    head.checkLogits(positions, logits);
    NativeArena arena = arenaOf(head.weights());
    NativeCalls.logits(variant, describe(head), positions, arena.address(logits), logits.stride());
  }

  @Override
  public void logitsBackward(SoftmaxHead head, int positions, Matrix dLogits) {
    head.checkLogitsBackward(positions, dLogits);
    NativeArena arena = arenaOf(head.weights());
    NativeCalls.logitsBackward(
        variant, describe(head), positions, arena.address(dLogits), dLogits.stride());
  }

  @Override
  public void gatherRows(Matrix table, int[] rows, int count, Matrix out) {
    checkRows(table, rows, count, out);
    NativeArena arena = arenaOf(table);
    NativeCalls.gatherRows(
        arena.address(table), table.columns(), rows, count, arena.address(out), out.stride());
  }

  @Override
  public void scatterAddRows(Matrix dOut, int[] rows, int count, Matrix dTable) {
    checkRows(dTable, rows, count, dOut);
    NativeArena arena = arenaOf(dTable);
    NativeCalls.scatterAddRows(
        variant,
        arena.address(dOut),
        dOut.stride(),
        rows,
        count,
        arena.address(dTable),
        dTable.columns());
  }

  private static void checkRows(Matrix table, int[] rows, int count, Matrix other) {
    Checks.dense("table", table, table.rows(), table.columns());
    Checks.indices("rows", rows, count, table.rows());
    if (count < 0 || other.rows() < count || other.columns() != table.columns()) {
      throw new IllegalArgumentException(
          "Cannot move %d rows between %s and %s".formatted(count, table.shape(), other.shape()));
    }
  }

  @Override
  public void moveRows(
      Matrix from,
      int fromColumn,
      int[] rows,
      int count,
      Matrix to,
      int toColumn,
      int columns,
      boolean add) {
    SequenceRows.checkMove(from, fromColumn, rows, count, to, toColumn, columns);
    NativeArena arena = arenaOf(from);
    NativeCalls.moveRows(
        arena.address(from.offset() + fromColumn),
        from.stride(),
        rows,
        count,
        columns,
        arena.address(to.offset() + toColumn),
        to.stride(),
        add);
  }

  @Override
  public void pool(Matrix states, int[] lengths, boolean largest, Matrix pooled) {
    SequenceRows.checkPool(states, SequenceRows.longest(lengths), lengths, pooled);
    NativeArena arena = arenaOf(states);
    NativeCalls.pool(
        lengths.length,
        states.stride(),
        states.columns(),
        largest,
        lengths,
        arena.address(states),
        arena.address(pooled));
  }

  @Override
  public void poolGradient(
      Matrix states,
      int time,
      int[] lengths,
      boolean largest,
      Matrix pooled,
      Matrix dPooled,
      Matrix dStates) {
    SequenceRows.checkPool(states, time, lengths, pooled, dPooled, dStates);
    SequenceRows.checkPool(dStates, time, lengths, dPooled);
    NativeArena arena = arenaOf(states);
    NativeCalls.poolGradient(
        lengths.length,
        states.stride(),
        states.columns(),
        largest,
        time,
        lengths,
        arena.address(states),
        arena.address(pooled),
        arena.address(dPooled),
        arena.address(dStates));
  }

  @Override
  public void zeroRows(Matrix table, int[] rows, int count) {
    Checks.dense("table", table, table.rows(), table.columns());
    Checks.indices("rows", rows, count, table.rows());
    NativeCalls.zeroRows(arenaOf(table).address(table), table.columns(), rows, count);
  }

  @Override
  public void dropout(Matrix in, Matrix out, int rows, int period, float rate, PhiloxKey key) {
    Checks.dropout(in, out, rows, period, rate);
    NativeArena arena = arenaOf(in);
    NativeCalls.dropout(
        variant,
        arena.address(in),
        in.stride(),
        arena.address(out),
        out.stride(),
        rows,
        period,
        out.columns(),
        threshold(rate),
        1f / (1f - rate),
        key.seed(),
        key.step(),
        key.replica(),
        key.purpose());
  }

  @Override
  public void choose(Matrix out, int time, int columns, float rate, PhiloxKey key) {
    Checks.choice(out, time, columns, rate);
    NativeCalls.choose(
        variant,
        arenaOf(out).address(out),
        time,
        out.columns(),
        columns,
        threshold(rate),
        key.seed(),
        key.step(),
        key.replica(),
        key.purpose());
  }

  /** Unsigned: random words from it on keep. */
  private static int threshold(float rate) {
    return (int) Math.round(rate * 0x1p32);
  }

  @Override
  public void addDifference(Matrix left, Matrix right, int rows, float factor, Matrix out) {
    Checks.difference(left, right, rows, out);
    NativeArena arena = arenaOf(out);
    NativeCalls.addDifference(
        variant,
        arena.address(left),
        arena.address(right),
        factor,
        arena.address(out),
        (long) rows * out.stride());
  }

  @Override
  public void scaleRows(Matrix matrix, int rows, float[] factors) {
    Checks.scaleRows(matrix, rows, factors);
    NativeCalls.scaleRows(variant, arenaOf(matrix).address(matrix), matrix.stride(), factors, rows);
  }

  @Override
  public double sumOfSquares(Matrix vector) {
    Checks.sameSize(vector, vector);
    return NativeCalls.sumOfSquares(variant, arenaOf(vector).address(vector), vector.size());
  }

  @Override
  public double sumOfSquares(Matrix table, int[] rows, int count) {
    checkTable(table, rows, count);
    NativeArena arena = arenaOf(table);
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += NativeCalls.sumOfSquares(variant, arena.address(table.at(rows[i])), table.columns());
    }
    return sum;
  }

  @Override
  public void update(
      Matrix parameters,
      Matrix gradients,
      List<Matrix> moments,
      UpdateRule rule,
      GradientTransform transform) {
    Checks.update(parameters, gradients, moments, rule);
    NativeArena arena = arenaOf(parameters);
    NativeCalls.update(
        variant,
        code(rule),
        coefficients(rule, transform),
        arena.address(parameters),
        arena.address(gradients),
        moments.size() > 0 ? arena.address(moments.get(0)) : 0,
        moments.size() > 1 ? arena.address(moments.get(1)) : 0,
        parameters.size());
  }

  @Override
  public void updateRows(
      Matrix table,
      Matrix dTable,
      int[] rows,
      int count,
      UpdateRule.Sgd rule,
      GradientTransform transform) {
    checkTable(table, rows, count);
    Checks.dense("dTable", dTable, table.rows(), table.columns());
    Checks.sameArena(table, dTable);
    NativeArena arena = arenaOf(table);
    float[] coefficients = coefficients(rule, transform);
    for (int i = 0; i < count; i++) {
      NativeCalls.update(
          variant,
          code(rule),
          coefficients,
          arena.address(table.at(rows[i])),
          arena.address(dTable.at(rows[i])),
          0,
          0,
          table.columns());
    }
  }

  private static void checkTable(Matrix table, int[] rows, int count) {
    Checks.dense("table", table, table.rows(), table.columns());
    Checks.indices("rows", rows, count, table.rows());
  }

  private static int code(UpdateRule rule) {
    return RULES.indexOf(rule.getClass());
  }

  /** In the order of update_coefficients in kernel.h. */
  private static float[] coefficients(UpdateRule rule, GradientTransform transform) {
    float[] own = rule.coefficients();
    float[] all = new float[4 + own.length];
    all[0] = transform.scale();
    all[1] = transform.limit();
    all[2] = transform.l2();
    all[3] = transform.l1();
    System.arraycopy(own, 0, all, 4, own.length);
    return all;
  }

  private long[] describe(RecurrentLayer layer) {
    return arenaOf(layer.hidden()).buffers().of(layer);
  }

  private long[] describe(SoftmaxHead head) {
    return arenaOf(head.weights()).buffers().of(head);
  }

  private NativeArena arenaOf(Matrix matrix) {
    if (matrix.arena() instanceof NativeArena arena && arena.variant() == variant) {
      return arena;
    }
    throw new IllegalArgumentException(
        "Cannot compute with the native kernel on memory of another kernel");
  }
}
