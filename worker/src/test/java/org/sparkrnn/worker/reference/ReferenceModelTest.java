package org.sparkrnn.worker.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkrnn.common.config.DropoutConfig.Kind;
import org.sparkrnn.common.config.LossConfig.Reduction;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.Zoneout;
import org.sparkrnn.worker.model.ActivationPenalties;
import org.sparkrnn.worker.model.Dropout;
import org.sparkrnn.worker.model.LanguageModel.Masks;
import org.sparkrnn.worker.model.ModelSpec;

/** Backward against central differences of forward, in double. */
class ReferenceModelTest {
  private static final double TOLERANCE = 1e-6;
  private static final double STEP = 2e-4;
  private static final long SEED = 20;
  private static final int MOST_DERIVATIVES = 60;

  static Stream<Arguments> cases() {
    Stream.Builder<Arguments> cases = Stream.builder();
    for (CellKind cell : CellKind.values()) {
      for (int layers : new int[] {1, 3}) {
        for (Input input : Input.values()) {
          for (int[] shape : new int[][] {{1, 1}, {1, 3}, {4, 1}, {4, 3}}) {
            for (Reduction reduction : Reduction.values()) {
              cases.add(Arguments.of(cell, layers, input, shape[0], shape[1], reduction));
            }
          }
        }
      }
    }
    return cases.build();
  }

  @ParameterizedTest(name = "{0}, {1} layers, {2}, time {3}, batch {4}, {5}")
  @MethodSource("cases")
  void backwardMatchesFiniteDifferences(
      CellKind cell, int layers, Input input, int time, int batch, Reduction reduction) {
    int embedding = input == Input.EMBEDDING ? 3 : 0;
    ModelSpec spec = new ModelSpec(cell, layers, 5, input, embedding, 4, 0.3f);
    // Rather positive than not, so that rectifiers are on.
    check(spec, ActivationPenalties.NONE, time, batch, reduction, -0.2, true);
  }

  static Stream<SpecialModels> specialModels() {
    return SpecialModels.all(5);
  }

  @ParameterizedTest
  @MethodSource("specialModels")
  void backwardOfSpecialModelsMatchesFiniteDifferences(SpecialModels special) {
    check(special.spec(), special.penalties(), 1, 2, Reduction.TOKEN_MEAN, -0.8, true);
    check(special.spec(), special.penalties(), 4, 1, Reduction.TOKEN_MEAN, -0.8, true);
    check(special.spec(), special.penalties(), 3, 2, Reduction.SUM_TIME_MEAN_BATCH, -0.8, true);
    check(special.spec(), special.penalties(), 3, 2, Reduction.SUM_TIME_MEAN_BATCH, -0.8, false);
  }

  /** Krueger et al. 2017, the equations for an LSTM of one unit, in training and on average. */
  @Test
  void zoneoutIsThePapersEquation() {
    Zoneout rates = new Zoneout(0.3f, 0.4f);
    Dropout dropout = new Dropout(Kind.INDEPENDENT, 0, 0, 0, 0, 0, 0, rates);
    ModelSpec spec =
        new ModelSpec(CellKind.LSTM, List.of(1), 5, Input.ONE_HOT, 0, false, false, false, dropout);
    double[] w = uniform(new SplittableRandom(SEED), spec.layout().size(), -1, 1);
    int[] tokens = {3, 1, 4, 1, 0, 2};
    double[][] updates = {{1, 0, 1, 0, 1, 1}, {0, 1, 1, 0, 0, 1}};
    ReferenceModel model = new ReferenceModel(spec, 1, w);
    for (boolean training : new boolean[] {false, true}) {
      if (training) {
        model.zoneout(new double[][][] {updates});
      }
      model.forward(6, tokens, tokens, new double[] {0.5, -0.3}, new double[2][0]);
      double h = 0.5;
      double c = -0.3;
      for (int t = 0; t < 6; t++) {
        double[] z = new double[4];
        for (int gate = 0; gate < 4; gate++) { // weight_ih [4, 5], weight_hh [4, 1], two biases
          z[gate] = w[5 * gate + tokens[t]] + w[20 + gate] * h + w[24 + gate] + w[28 + gate];
        }
        double computed = sigmoid(z[1]) * c + sigmoid(z[0]) * Math.tanh(z[2]);
        double keepsHidden = training ? 1 - updates[0][t] : rates.hidden();
        double keepsCell = training ? 1 - updates[1][t] : rates.cell();
        c = keepsCell * c + (1 - keepsCell) * computed;
        h = keepsHidden * h + (1 - keepsHidden) * sigmoid(z[3]) * Math.tanh(computed);
      }
      assertThat(model.finalState()[0]).isCloseTo(h, within(1e-12));
      assertThat(model.finalState()[1]).isCloseTo(c, within(1e-12));
    }
  }

  private static double sigmoid(double z) {
    return 1 / (1 + Math.exp(-z));
  }

  static Stream<SpecialModels> adaptiveModels() {
    return SpecialModels.adaptive(9);
  }

  /** Windows long enough for words of every cluster. */
  @ParameterizedTest
  @MethodSource("adaptiveModels")
  void backwardOfAdaptiveSoftmaxMatchesFiniteDifferences(SpecialModels adaptive) {
    check(adaptive.spec(), adaptive.penalties(), 5, 3, Reduction.SUM_TIME_MEAN_BATCH, -0.8, true);
  }

  static Stream<SpecialModels> sampledModels() {
    return SpecialModels.sampled(31, 15);
  }

  @ParameterizedTest
  @MethodSource("sampledModels")
  void backwardOfSampledSoftmaxMatchesFiniteDifferences(SpecialModels sampled) {
    check(sampled.spec(), sampled.penalties(), 5, 3, Reduction.SUM_TIME_MEAN_BATCH, -0.8, true);
  }

  private static void check(
      ModelSpec spec,
      ActivationPenalties penalties,
      int time,
      int batch,
      Reduction reduction,
      double lowest,
      boolean training) {
    SplittableRandom random = new SplittableRandom(SEED);
    double[] parameters = uniform(random, spec.layout().size(), lowest, 0.8);
    double[] state = uniform(random, spec.stateFloats(batch), -0.9, 0.9);
    int[] tokens = random.ints((long) time * batch, 0, spec.vocabulary()).toArray();
    int[] labels = random.ints((long) time * batch, 0, spec.vocabulary()).toArray();
    double[][] masks = masks(spec, random, time * batch);
    double scale = ReferenceModel.scale(reduction, time, batch);

    double[] kept = DropoutFactors.ofWeights(spec, new Masks(SEED, 0, 0));
    double[] weights = DropoutFactors.product(parameters, kept);
    ReferenceModel model = new ReferenceModel(spec, batch, weights);
    if (training) {
      model.zoneout(DropoutFactors.ofZoneout(spec, time, batch, new Masks(SEED, 0, 0)));
    }
    if (spec.softmax().isSampled()) {
      model.sample(SpecialModels.corrections(spec, labels, new Masks(SEED, 0, 0)));
    }
    // A window before, so that the state is a carried one.
    model.forward(time, labels, tokens, state, masks);
    double[] carried = model.finalState();
    model.forward(time, tokens, labels, carried, masks);
    ReferenceModel.Gradients gradients = model.backward(scale, penalties, masks);
    double[] dParameters = DropoutFactors.product(gradients.parameters(), kept);

    Loss loss =
        () -> {
          Arrays.setAll(weights, i -> parameters[i] * kept[i]);
          return scale * sum(model.forward(time, tokens, labels, carried, masks))
              + model.penalty(scale, penalties);
        };
    for (ParameterBlock block : spec.layout().blocks()) {
      assertGradient(block.name(), parameters, block.offset(), block.size(), dParameters, loss);
    }
    assertGradient("state", carried, 0, carried.length, gradients.state(), loss);
  }

  private interface Loss {
    double value();
  }

  /**
   * The largest deviation over the largest derivative of the block, of some where there are many.
   */
  private static void assertGradient(
      String name, double[] values, int offset, int size, double[] gradient, Loss loss) {
    double largest = 0;
    double deviation = 0;
    int[] some = new SplittableRandom(SEED).ints(MOST_DERIVATIVES, offset, offset + size).toArray();
    int[] all = IntStream.range(offset, offset + size).toArray();
    for (int i : size > MOST_DERIVATIVES ? some : all) {
      double expected = derivative(values, i, loss);
      largest = Math.max(largest, Math.abs(expected));
      deviation = Math.max(deviation, Math.abs(expected - gradient[i]));
    }
    assertThat(largest).as("%s, seed %d: derivatives", name, SEED).isPositive();
    assertThat(deviation / largest).as("%s, seed %d", name, SEED).isLessThan(TOLERANCE);
  }

  /**
   * Six points: the truncation, STEP⁶, is nothing, the rounding, 2⁻⁵³/STEP, about 1e-12. The step
   * is short so that no rectifier switches in it.
   */
  private static double derivative(double[] values, int i, Loss loss) {
    return (45 * difference(values, i, loss, STEP)
            - 9 * difference(values, i, loss, 2 * STEP)
            + difference(values, i, loss, 3 * STEP))
        / (60 * STEP);
  }

  private static double difference(double[] values, int i, Loss loss, double step) {
    double value = values[i];
    values[i] = value + step;
    double above = loss.value();
    values[i] = value - step;
    double below = loss.value();
    values[i] = value;
    return above - below;
  }

  private static double[][] masks(ModelSpec spec, SplittableRandom random, int positions) {
    double[][] masks = new double[spec.layers() + 1][];
    for (int place = 0; place < masks.length; place++) {
      int columns = spec.columns(place);
      masks[place] = new double[positions * columns];
      for (int i = 0; i < masks[place].length; i++) {
        boolean kept = random.nextDouble() >= 0.3 || i % columns == 0; // not all of a position
        masks[place][i] = kept ? 1 / 0.7 : 0;
      }
    }
    return masks;
  }

  private static double[] uniform(SplittableRandom random, int count, double from, double to) {
    return random.doubles(count, from, to).toArray();
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }
}
