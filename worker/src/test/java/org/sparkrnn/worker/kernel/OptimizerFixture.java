package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.SameBits.assertSame;

import java.util.List;
import java.util.SplittableRandom;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;

/** Vectors at odd offsets, and section 8 of docs/numerics.md in scalars. */
final class OptimizerFixture {
  private static final float RATE = 0.1f;

  private final Kernel kernel;
  private final int size;
  private final GradientTransform transform;
  private final String what;

  /** Parameters, gradients, two moments. */
  private final float[][] values = new float[4][];

  OptimizerFixture(Kernel kernel, int size, GradientTransform transform) {
    this.kernel = kernel;
    this.size = size;
    this.transform = transform;
    this.what = "%d elements, %s, ".formatted(size, transform);
  }

  private interface Formula {
    void run(int i, float gradient);
  }

  void checkAll() {
    check(
        "sgd", new UpdateRule.Sgd(RATE), (i, g) -> values[0][i] = Math.fma(-RATE, g, values[0][i]));
    checkAveraged("asgd, first average", new UpdateRule.AveragedSgd(RATE, 0.99f, 1f));
    checkAveraged("asgd", new UpdateRule.AveragedSgd(RATE, 1f, 0.25f));
    check(
        "momentum",
        new UpdateRule.Momentum(RATE, 0.9f),
        (i, g) -> {
          values[2][i] = Math.fma(0.9f, values[2][i], g);
          values[0][i] = Math.fma(-RATE, values[2][i], values[0][i]);
        });
    check(
        "rmsprop",
        UpdateRule.RmsProp.of(RATE, 0.95, 1e-6),
        (i, g) -> {
          values[2][i] = Math.fma(0.95f, values[2][i], (float) (1 - 0.95) * g * g);
          values[0][i] = values[0][i] - RATE * g / (root(values[2][i]) + 1e-6f);
        });
    check(
        "adagrad",
        UpdateRule.RmsProp.adaGrad(RATE, 1e-6),
        (i, g) -> {
          values[2][i] = values[2][i] + g * g;
          values[0][i] = values[0][i] - RATE * g / (root(values[2][i]) + 1e-6f);
        });
    check(
        "adadelta",
        UpdateRule.AdaDelta.of(RATE, 0.95, 1e-6),
        (i, g) -> {
          float complement = (float) (1 - 0.95);
          values[2][i] = Math.fma(0.95f, values[2][i], complement * g * g);
          float move = root(values[3][i] + 1e-6f) / root(values[2][i] + 1e-6f) * g;
          values[3][i] = Math.fma(0.95f, values[3][i], complement * move * move);
          values[0][i] = Math.fma(-RATE, move, values[0][i]);
        });
    checkAdam("adam", UpdateRule.Adam.of(3, RATE, 0.9, 0.999, 1e-8, 0));
    checkAdam("adamw", UpdateRule.Adam.of(3, RATE, 0.9, 0.999, 1e-8, 0.01));
    checkAdam("nadam", UpdateRule.Adam.nesterov(3, RATE, 0.9, 0.999, 1e-8, 0.004));
  }

  private void checkAveraged(String name, UpdateRule.AveragedSgd rule) {
    check(
        name,
        rule,
        (i, g) -> {
          float next = Math.fma(-RATE, g, values[0][i] * rule.shrink());
          float mean = values[2][i];
          values[0][i] = next;
          values[2][i] = rule.weight() == 1 ? next : Math.fma(rule.weight(), next - mean, mean);
        });
  }

  private void checkAdam(String name, UpdateRule.Adam rule) {
    check(
        name,
        rule,
        (i, g) -> {
          values[2][i] = Math.fma(0.9f, values[2][i], (float) (1 - 0.9) * g);
          values[3][i] = Math.fma(0.999f, values[3][i], (float) (1 - 0.999) * g * g);
          float denominator = Math.fma(root(values[3][i]), rule.rootCorrection(), 1e-8f);
          float numerator = Math.fma(rule.gradientRate(), g, rule.rate() * values[2][i]);
          values[0][i] = values[0][i] * rule.shrink() - numerator / denominator;
        });
  }

  private static float root(float x) {
    return (float) Math.sqrt(x);
  }

  private void check(String name, UpdateRule rule, Formula formula) {
    ArenaPlan plan = new ArenaPlan();
    Region[] regions = new Region[4];
    for (int v = 0; v < 4; v++) {
      regions[v] = plan.region("vector " + v, size + 4L);
    }
    try (Arena arena = kernel.allocate(plan)) {
      SplittableRandom random = new SplittableRandom(size);
      Matrix[] vectors = new Matrix[4];
      float[][] surroundings = new float[4][];
      for (int v = 0; v < 4; v++) {
        Matrix whole = regions[v].dense(arena, 0, 1, size + 4);
        LayerFixture.randomise(whole, random, 1f);
        surroundings[v] = whole.toArray();
        vectors[v] = whole.range(1 + v % 3, size);
        values[v] = vectors[v].toArray();
        for (int i = 0; i < size; i++) {
          values[v][i] = v > 1 ? Math.abs(values[v][i]) : values[v][i];
        }
      }
      values[1][size - 1] = size % 2 == 0 ? Float.NaN : 1e-42f;
      values[1][0] = size > 16 ? Float.NEGATIVE_INFINITY : -0f;
      for (int v = 0; v < 4; v++) {
        vectors[v].write(values[v], 0);
        System.arraycopy(values[v], 0, surroundings[v], 1 + v % 3, size);
      }
      List<Matrix> moments = List.of(vectors[2], vectors[3]).subList(0, rule.moments());
      kernel.update(vectors[0], vectors[1], moments, rule, transform);
      for (int i = 0; i < size; i++) {
        formula.run(i, transformed(values[1][i], values[0][i]));
      }
      for (int v = 0; v < 4; v++) {
        System.arraycopy(values[v], 0, surroundings[v], 1 + v % 3, size);
        assertSame(
            what + name + ", vector " + v,
            regions[v].dense(arena, 0, 1, size + 4).toArray(),
            surroundings[v]);
      }
    }
  }

  private float transformed(float gradient, float parameter) {
    float y = gradient * transform.scale();
    if (transform.limit() != 0 && !Float.isNaN(y)) {
      y = Math.abs(y) > transform.limit() ? Math.copySign(transform.limit(), y) : y;
    }
    return transform.decays()
        ? Math.fma(transform.l2(), parameter, y) + transform.l1() * Math.signum(parameter)
        : y;
  }
}
