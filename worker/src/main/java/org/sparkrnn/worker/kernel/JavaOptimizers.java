package org.sparkrnn.worker.kernel;

import org.sparkrnn.worker.kernel.UpdateRule.AdaDelta;
import org.sparkrnn.worker.kernel.UpdateRule.Adam;
import org.sparkrnn.worker.kernel.UpdateRule.AveragedSgd;
import org.sparkrnn.worker.kernel.UpdateRule.Momentum;
import org.sparkrnn.worker.kernel.UpdateRule.RmsProp;
import org.sparkrnn.worker.kernel.UpdateRule.Sgd;

/**
 * The updates of docs/numerics.md, section 8. Arguments are indices into {@code data}: p of the
 * parameters, g of the gradients, others of the moments.
 */
final class JavaOptimizers {
  private JavaOptimizers() {}

  /**
   * Updates {@code count} parameters.
   *
   * @param moments where the rule's vectors begin
   */
  static void update(
      UpdateRule rule,
      float[] data,
      int p,
      int g,
      int[] moments,
      int count,
      GradientTransform transform) {
    if (rule instanceof Sgd sgd) {
      sgd(sgd, data, p, g, count, transform);
    } else if (rule instanceof AveragedSgd averaged) {
      averagedSgd(averaged, data, p, g, moments[0], count, transform);
    } else if (rule instanceof Momentum momentum) {
      momentum(momentum, data, p, g, moments[0], count, transform);
    } else if (rule instanceof RmsProp rmsProp) {
      rmsProp(rmsProp, data, p, g, moments[0], count, transform);
    } else if (rule instanceof AdaDelta adaDelta) {
      adaDelta(adaDelta, data, p, g, moments[0], moments[1], count, transform);
    } else if (rule instanceof Adam adam) {
      adam(adam, data, p, g, moments[0], moments[1], count, transform);
    } else {
      throw new IllegalArgumentException("Cannot update parameters by " + rule);
    }
  }

  private static void sgd(
      Sgd rule, float[] data, int p, int g, int count, GradientTransform transform) {
    for (int i = 0; i < count; i++) {
      float gradient = transformed(data[g + i], data[p + i], transform);
      data[p + i] = Math.fma(-rule.rate(), gradient, data[p + i]);
    }
  }

  private static void averagedSgd(
      AveragedSgd rule, float[] data, int p, int g, int a, int count, GradientTransform transform) {
    for (int i = 0; i < count; i++) {
      float gradient = transformed(data[g + i], data[p + i], transform);
      float next = Math.fma(-rule.rate(), gradient, data[p + i] * rule.shrink());
      float mean = data[a + i];
      data[p + i] = next;
      data[a + i] = rule.weight() == 1 ? next : Math.fma(rule.weight(), next - mean, mean);
    }
  }

  private static void momentum(
      Momentum rule, float[] data, int p, int g, int v, int count, GradientTransform transform) {
    for (int i = 0; i < count; i++) {
      float gradient = transformed(data[g + i], data[p + i], transform);
      float velocity = Math.fma(rule.momentum(), data[v + i], gradient);
      data[v + i] = velocity;
      data[p + i] = Math.fma(-rule.rate(), velocity, data[p + i]);
    }
  }

  private static void rmsProp(
      RmsProp rule, float[] data, int p, int g, int s, int count, GradientTransform transform) {
    for (int i = 0; i < count; i++) {
      float gradient = transformed(data[g + i], data[p + i], transform);
      float square = Math.fma(rule.decay(), data[s + i], rule.complement() * gradient * gradient);
      data[s + i] = square;
      data[p + i] -= rule.rate() * gradient / (squareRoot(square) + rule.epsilon());
    }
  }

  private static void adaDelta(
      AdaDelta rule,
      float[] data,
      int p,
      int g,
      int s,
      int u,
      int count,
      GradientTransform transform) {
    for (int i = 0; i < count; i++) {
      float gradient = transformed(data[g + i], data[p + i], transform);
      float square = Math.fma(rule.decay(), data[s + i], rule.complement() * gradient * gradient);
      float ratio = squareRoot(data[u + i] + rule.epsilon()) / squareRoot(square + rule.epsilon());
      float move = ratio * gradient;
      data[s + i] = square;
      data[u + i] = Math.fma(rule.decay(), data[u + i], rule.complement() * move * move);
      data[p + i] = Math.fma(-rule.rate(), move, data[p + i]);
    }
  }

  private static void adam(
      Adam rule, float[] data, int p, int g, int m, int s, int count, GradientTransform transform) {
    for (int i = 0; i < count; i++) {
      float gradient = transformed(data[g + i], data[p + i], transform);
      float mean = Math.fma(rule.beta1(), data[m + i], rule.complement1() * gradient);
      float square = Math.fma(rule.beta2(), data[s + i], rule.complement2() * gradient * gradient);
      data[m + i] = mean;
      data[s + i] = square;
      float root = Math.fma(squareRoot(square), rule.rootCorrection(), rule.epsilon());
      float move = Math.fma(rule.gradientRate(), gradient, rule.rate() * mean);
      data[p + i] = data[p + i] * rule.shrink() - move / root;
    }
  }

  private static float transformed(float gradient, float parameter, GradientTransform transform) {
    float y = gradient * transform.scale();
    float limit = transform.limit();
    if (limit > 0) {
      y = y > limit ? limit : y;
      y = y < -limit ? -limit : y;
    }
    if (transform.l2() != 0) {
      y = Math.fma(transform.l2(), parameter, y);
    }
    if (transform.l1() != 0) {
      y += parameter > 0 ? transform.l1() : parameter < 0 ? -transform.l1() : 0f;
    }
    return y;
  }

  /** The IEEE root of a float: rounding the double's root once more changes nothing (Figueroa). */
  private static float squareRoot(float x) {
    return (float) Math.sqrt(x);
  }
}
