package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.SameBits.assertSame;

import java.util.SplittableRandom;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;

/** Vectors at odd offsets, and section 8 of docs/numerics.md in scalars. */
final class OptimizerFixture {
  private static final float RATE = 0.1f;

  private final Kernel kernel;
  private final int size;
  private final GradientScaling scaling;
  private final String what;

  /** Parameters, gradients, two moments. */
  private final float[][] values = new float[4][];

  OptimizerFixture(Kernel kernel, int size, GradientScaling scaling) {
    this.kernel = kernel;
    this.size = size;
    this.scaling = scaling;
    this.what = "%d elements, %s, ".formatted(size, scaling);
  }

  private interface Update {
    void run(Matrix parameters, Matrix gradients, Matrix first, Matrix second);
  }

  private interface Formula {
    void run(int i, float gradient);
  }

  void checkAll() {
    check(
        "sgd",
        (p, g, m, s) -> kernel.sgd(p, g, RATE, scaling),
        (i, g) -> values[0][i] = Math.fma(-RATE, g, values[0][i]));
    check(
        "momentum",
        (p, g, m, s) -> kernel.momentum(p, g, m, RATE, 0.9f, scaling),
        (i, g) -> {
          values[2][i] = Math.fma(0.9f, values[2][i], g);
          values[0][i] = Math.fma(-RATE, values[2][i], values[0][i]);
        });
    check(
        "rmsprop",
        (p, g, m, s) -> kernel.rmsprop(p, g, s, RATE, 0.95f, 0.05f, 1e-6f, scaling),
        (i, g) -> {
          values[3][i] = Math.fma(0.95f, values[3][i], 0.05f * g * g);
          float root = (float) Math.sqrt(values[3][i]);
          values[0][i] = values[0][i] - RATE * g / (root + 1e-6f);
        });
    AdamStep step = AdamStep.at(3, RATE, 0.9, 0.999, 1e-8);
    check(
        "adam",
        (p, g, m, s) -> kernel.adam(p, g, m, s, step, scaling),
        (i, g) -> {
          values[2][i] = Math.fma(0.9f, values[2][i], (float) (1 - 0.9) * g);
          values[3][i] = Math.fma(0.999f, values[3][i], (float) (1 - 0.999) * g * g);
          float root = (float) Math.sqrt(values[3][i]);
          float denominator = Math.fma(root, step.rootCorrection(), 1e-8f);
          values[0][i] = values[0][i] - step.rate() * values[2][i] / denominator;
        });
  }

  private void check(String name, Update update, Formula formula) {
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
          values[v][i] = v == 3 ? Math.abs(values[v][i]) : values[v][i];
        }
      }
      values[1][size - 1] = size % 2 == 0 ? Float.NaN : 1e-42f;
      values[1][0] = size > 16 ? Float.NEGATIVE_INFINITY : -0f;
      for (int v = 0; v < 4; v++) {
        vectors[v].write(values[v], 0);
        System.arraycopy(values[v], 0, surroundings[v], 1 + v % 3, size);
      }
      update.run(vectors[0], vectors[1], vectors[2], vectors[3]);
      for (int i = 0; i < size; i++) {
        formula.run(i, scaled(values[1][i]));
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

  private float scaled(float gradient) {
    float y = gradient * scaling.scale();
    if (scaling.limit() == 0 || Float.isNaN(y)) {
      return y;
    }
    return Math.abs(y) > scaling.limit() ? Math.copySign(scaling.limit(), y) : y;
  }
}
