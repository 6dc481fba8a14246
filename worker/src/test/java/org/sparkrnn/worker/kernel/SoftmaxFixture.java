package org.sparkrnn.worker.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.sparkrnn.worker.kernel.SameBits.assertSame;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.sparkrnn.common.config.KernelConfig.Precision;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;

/** A softmax head with random contents, and section 4 of docs/numerics.md in scalars. */
final class SoftmaxFixture implements AutoCloseable {
  private final Kernel kernel;
  private final Precision precision;
  private final Arena arena;
  private final int vocabulary;
  private final int units;
  private final SplittableRandom random;
  private final Matrix logits;
  final SoftmaxHead head;

  SoftmaxFixture(Kernel kernel, Precision precision, int positions, int hidden, int vocabulary) {
    this.kernel = kernel;
    this.precision = precision;
    this.vocabulary = vocabulary;
    this.units = hidden;
    this.random = new SplittableRandom(positions * 1000L + vocabulary);
    ArenaPlan plan = new ArenaPlan();
    int size = vocabulary * (hidden + 1) + 1;
    Region parameters = plan.region("parameters", size);
    Region gradients = plan.region("gradients", size);
    Region hiddenRegion = plan.padded("hidden", positions, hidden);
    Region dHidden = plan.padded("dHidden", positions, hidden);
    Region statistics = plan.region("statistics", 3L * positions);
    Region packed =
        plan.region("packed", kernel.softmaxFloats(positions, hidden, vocabulary, true));
    Region logitsRegion = plan.padded("logits", positions, vocabulary);
    this.arena = kernel.allocate(plan);
    this.logits = logitsRegion.padded(arena, positions, vocabulary);
    long bias = 1 + (long) vocabulary * hidden;
    this.head =
        new SoftmaxHead(
            positions,
            parameters.dense(arena, 1, vocabulary, hidden),
            parameters.dense(arena, bias, 1, vocabulary),
            gradients.dense(arena, 1, vocabulary, hidden),
            gradients.dense(arena, bias, 1, vocabulary),
            hiddenRegion.padded(arena, positions, hidden),
            dHidden.padded(arena, positions, hidden),
            statistics.dense(arena, 0, positions, 3),
            packed);
  }

  void fill(float range) {
    LayerFixture.randomise(head.weights(), random, range);
    LayerFixture.randomise(head.bias(), random, range);
    LayerFixture.randomise(head.hidden(), random, range);
    for (Matrix output : new Matrix[] {head.dWeights(), head.dBias(), head.dHidden()}) {
      float[] values = output.toArray();
      Arrays.fill(values, Float.NaN);
      output.write(values, 0);
    }
  }

  void check(int positions) {
    String what = "%d positions of %d, %d of %d:".formatted(positions, units, units, vocabulary);
    float[] w = head.weights().toArray();
    float[] bias = head.bias().toArray();
    float[] h = head.hidden().toArray();
    int[] labels = random.ints(positions, 0, vocabulary).toArray();
    float scale = 1f / positions;
    float[] expectedLogits = new float[positions * vocabulary];
    float[] statistics = new float[positions * 3];
    float[] dHidden = new float[positions * units];
    float[] dWeights = new float[vocabulary * units];
    float[] dBias = new float[vocabulary];
    float[][] gradients = new float[positions][];
    for (int p = 0; p < positions; p++) {
      float[] d = new float[vocabulary];
      float largest = Float.NEGATIVE_INFINITY;
      for (int v = 0; v < vocabulary; v++) {
        Chain chain = new Chain(precision, bias[v]);
        for (int k = 0; k < units; k++) {
          chain.add(h[p * units + k], w[v * units + k]);
        }
        d[v] = chain.end();
        expectedLogits[p * vocabulary + v] = d[v];
        largest = d[v] > largest ? d[v] : largest;
      }
      statistics[p * 3] = largest;
      statistics[p * 3 + 2] = d[labels[p]];
      float[] lanes = new float[16];
      for (int v = 0; v < vocabulary; v++) {
        d[v] = PolynomialMath.exp(d[v] - largest);
        lanes[v % 16] += d[v];
      }
      float sum = combined(lanes);
      statistics[p * 3 + 1] = sum;
      for (int v = 0; v < vocabulary; v++) {
        d[v] = d[v] * (scale / sum);
        d[v] = v == labels[p] ? d[v] - scale : d[v];
        dBias[v] += d[v];
      }
      gradients[p] = d;
    }
    for (int k = 0; k < units; k++) {
      for (int p = 0; p < positions; p++) {
        Chain chain = new Chain(precision, 0f);
        for (int v = 0; v < vocabulary; v++) {
          chain.add(gradients[p][v], w[v * units + k]);
        }
        dHidden[p * units + k] = chain.end();
      }
      for (int v = 0; v < vocabulary; v++) {
        Chain chain = new Chain(precision, 0f);
        for (int p = 0; p < positions; p++) {
          chain.add(gradients[p][v], h[p * units + k]);
        }
        dWeights[v * units + k] = chain.end();
      }
    }
    kernel.packOutput(head);
    kernel.softmaxLoss(head, positions, labels, scale, false);
    assertSame(what + " statistics", head.statistics().rows(0, positions).toArray(), statistics);
    head.statistics().zero();
    kernel.softmaxLoss(head, positions, labels, scale, true);
    assertSame(what + " statistics", head.statistics().rows(0, positions).toArray(), statistics);
    assertSame(what + " dHidden", head.dHidden().rows(0, positions).toArray(), dHidden);
    assertSame(what + " dWeights", head.dWeights().toArray(), dWeights);
    assertSame(what + " dBias", head.dBias().toArray(), dBias);
    kernel.logits(head, positions, logits);
    assertSame(what + " logits", logits.rows(0, positions).toArray(), expectedLogits);
    assertLosses(positions, statistics);
  }

  /** The squared error instead of the softmax. */
  void checkSquared(int positions) {
    String what = "%d positions, %d outputs:".formatted(positions, vocabulary);
    LayerFixture.randomise(logits, random, 1f); // the targets
    float[] target = logits.toArray();
    float[] w = head.weights().toArray();
    float[] bias = head.bias().toArray();
    float[] h = head.hidden().toArray();
    float scale = 0.3f;
    float[] statistics = new float[positions * 3];
    float[] dHidden = new float[positions * units];
    float[] dWeights = new float[vocabulary * units];
    float[] dBias = new float[vocabulary];
    float[][] gradients = new float[positions][vocabulary];
    for (int p = 0; p < positions; p++) {
      float[] lanes = new float[16];
      for (int v = 0; v < vocabulary; v++) {
        Chain chain = new Chain(precision, bias[v]);
        for (int k = 0; k < units; k++) {
          chain.add(h[p * units + k], w[v * units + k]);
        }
        float error = chain.end() - target[p * vocabulary + v];
        lanes[v % 16] += error * error;
        gradients[p][v] = error * scale;
        dBias[v] += gradients[p][v];
      }
      statistics[p * 3] = combined(lanes);
    }
    for (int k = 0; k < units; k++) {
      for (int p = 0; p < positions; p++) {
        Chain chain = new Chain(precision, 0f);
        for (int v = 0; v < vocabulary; v++) {
          chain.add(gradients[p][v], w[v * units + k]);
        }
        dHidden[p * units + k] = chain.end();
      }
      for (int v = 0; v < vocabulary; v++) {
        Chain chain = new Chain(precision, 0f);
        for (int p = 0; p < positions; p++) {
          chain.add(gradients[p][v], h[p * units + k]);
        }
        dWeights[v * units + k] = chain.end();
      }
    }
    kernel.packOutput(head);
    kernel.squaredLoss(head, positions, logits, scale, false);
    assertSame(what + " statistics", head.statistics().rows(0, positions).toArray(), statistics);
    kernel.squaredLoss(head, positions, logits, scale, true);
    assertSame(what + " dHidden", head.dHidden().rows(0, positions).toArray(), dHidden);
    assertSame(what + " dWeights", head.dWeights().toArray(), dWeights);
    assertSame(what + " dBias", head.dBias().toArray(), dBias);
  }

  /** The gradients of the logits as a linear layer. */
  void checkLogitsBackward(int positions) {
    String what = "%d positions of %d, linear:".formatted(positions, units);
    LayerFixture.randomise(logits, random, 1f); // their gradients
    float[] d = logits.toArray();
    float[] w = head.weights().toArray();
    float[] h = head.hidden().toArray();
    float[] dHidden = new float[positions * units];
    float[] dWeights = new float[vocabulary * units];
    float[] dBias = new float[vocabulary];
    for (int k = 0; k < units; k++) {
      for (int p = 0; p < positions; p++) {
        Chain chain = new Chain(precision, 0f);
        for (int v = 0; v < vocabulary; v++) {
          chain.add(d[p * vocabulary + v], w[v * units + k]);
        }
        dHidden[p * units + k] = chain.end();
      }
      for (int v = 0; v < vocabulary; v++) {
        Chain chain = new Chain(precision, 0f);
        for (int p = 0; p < positions; p++) {
          chain.add(d[p * vocabulary + v], h[p * units + k]);
        }
        dWeights[v * units + k] = chain.end();
      }
    }
    for (int i = 0; i < positions * vocabulary; i++) {
      dBias[i % vocabulary] += d[i];
    }
    kernel.packOutput(head);
    kernel.logitsBackward(head, positions, logits);
    assertSame(what + " dHidden", head.dHidden().rows(0, positions).toArray(), dHidden);
    assertSame(what + " dWeights", head.dWeights().toArray(), dWeights);
    assertSame(what + " dBias", head.dBias().toArray(), dBias);
  }

  private void assertLosses(int positions, float[] statistics) {
    double expected = 0;
    for (int p = 0; p < positions; p++) {
      double largest = statistics[p * 3];
      expected += StrictMath.log(statistics[p * 3 + 1]) + largest - statistics[p * 3 + 2];
    }
    assertThat(
            Double.valueOf(head.lossSum(positions, new float[positions * SoftmaxHead.STATISTICS])))
        .isEqualTo(Double.valueOf(expected));
  }

  private static float combined(float[] l) {
    float[] four = new float[4];
    for (int i = 0; i < 4; i++) {
      four[i] = (l[i] + l[i + 8]) + (l[i + 4] + l[i + 12]);
    }
    return (four[0] + four[2]) + (four[1] + four[3]);
  }

  @Override
  public void close() {
    arena.close();
  }
}
