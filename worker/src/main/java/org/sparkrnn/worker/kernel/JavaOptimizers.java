package org.sparkrnn.worker.kernel;

/** The updates of docs/numerics.md, section 8. Arguments are indices into {@code data}. */
final class JavaOptimizers {
  private JavaOptimizers() {}

  static void sgd(float[] data, int p, int g, int count, float rate, GradientScaling scaling) {
    for (int i = 0; i < count; i++) {
      data[p + i] = Math.fma(-rate, scaled(data[g + i], scaling), data[p + i]);
    }
  }

  static void momentum(
      float[] data,
      int p,
      int g,
      int v,
      int count,
      float rate,
      float momentum,
      GradientScaling scaling) {
    for (int i = 0; i < count; i++) {
      float velocity = Math.fma(momentum, data[v + i], scaled(data[g + i], scaling));
      data[v + i] = velocity;
      data[p + i] = Math.fma(-rate, velocity, data[p + i]);
    }
  }

  static void rmsprop(
      float[] data,
      int p,
      int g,
      int s,
      int count,
      float rate,
      float decay,
      float complement,
      float epsilon,
      GradientScaling scaling) {
    for (int i = 0; i < count; i++) {
      float gradient = scaled(data[g + i], scaling);
      float square = Math.fma(decay, data[s + i], complement * gradient * gradient);
      data[s + i] = square;
      data[p + i] -= rate * gradient / (squareRoot(square) + epsilon);
    }
  }

  static void adam(
      float[] data, int p, int g, int m, int s, int count, AdamStep step, GradientScaling scaling) {
    for (int i = 0; i < count; i++) {
      float gradient = scaled(data[g + i], scaling);
      float mean = Math.fma(step.beta1(), data[m + i], step.complement1() * gradient);
      float square = Math.fma(step.beta2(), data[s + i], step.complement2() * gradient * gradient);
      data[m + i] = mean;
      data[s + i] = square;
      float root = Math.fma(squareRoot(square), step.rootCorrection(), step.epsilon());
      data[p + i] -= step.rate() * mean / root;
    }
  }

  private static float scaled(float gradient, GradientScaling scaling) {
    float y = gradient * scaling.scale();
    float limit = scaling.limit();
    if (limit > 0) {
      y = y > limit ? limit : y;
      y = y < -limit ? -limit : y;
    }
    return y;
  }

  /** The IEEE root of a float: rounding the double's root once more changes nothing (Figueroa). */
  private static float squareRoot(float x) {
    return (float) Math.sqrt(x);
  }
}
