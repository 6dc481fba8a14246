package org.sparkrnn.worker.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkrnn.common.config.KernelConfig.Precision;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.worker.model.ActivationPenalties;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.reference.DropoutFactors;
import org.sparkrnn.worker.reference.ReferenceModel;
import org.sparkrnn.worker.reference.SpecialModels;

/**
 * The part of {@link KernelContract} that compares with the double-precision reference: a whole
 * model, two windows, dropout on.
 *
 * <p>The bound. A chain of n terms errs by at most n·u·Σ|terms| (u = 2⁻²⁴; Higham 2002, section
 * 3.1). The longest here are backward's over the gates, n = 4·(padded hidden). Rounding errors have
 * random signs, so √n·u·√n = n·u relative to a sum whose terms cancel like random ones is generous;
 * a gradient passes through one chain per step and layer, of which the first few dominate, because
 * gates damp. Hence: the largest deviation of a block over its largest value is below 4·n·u. A
 * wrong term, order of gates or factor deviates by more than 1e-2.
 *
 * <p>In bfloat16 an operand errs by at most 2⁻⁹ of itself, a product by 2⁻⁸, with random signs: a
 * sum of any length errs by about 2⁻⁸ of its typical size. A gradient passes through a chain per
 * step and layer, of which again the first few dominate; their errors add like roots. 8·2⁻⁸ is
 * nearly twice what was measured (4.4·2⁻⁸ at most). Where a rectifier's sum lies within that of
 * zero, it may be on here and off there, and a gradient lacks its whole share. Layer normalisation
 * divides these errors by the deviation of a few units' sums, which may be a third of their size:
 * three times the bound.
 */
abstract class KernelAccuracyContract {
  private static final double UNIT_ROUNDOFF = 0x1p-24;
  private static final double BF16_BOUND = 8 * 0x1p-8;
  private static final double BF16_RECTIFIER_BOUND = 0.5;
  private static final int TIME = 7;
  private static final int STREAMS = 5;
  private static final int VOCABULARY = 40;
  private static final long SEED = 31;

  /** The kernel under test; one instance may serve all tests. */
  abstract Kernel kernel();

  /** What the operands of the kernel's products are rounded to. */
  Precision precision() {
    return Precision.FLOAT32;
  }

  final double bound(int hidden) {
    return switch (precision()) {
      case FLOAT32 -> 4 * 4 * Matrix.padded(hidden) * UNIT_ROUNDOFF;
      case BF16, BF16_AMX -> BF16_BOUND;
    };
  }

  final double bound(ModelSpec spec, int hidden) {
    boolean amplified = spec.normalised() && precision() != Precision.FLOAT32;
    return (amplified ? 3 : 1) * bound(hidden);
  }

  static Stream<Arguments> models() {
    Stream.Builder<Arguments> models = Stream.builder();
    for (CellKind cell : CellKind.values()) {
      for (int layers : new int[] {1, 3}) {
        for (int hidden : new int[] {5, 33, 64}) {
          for (float dropout : new float[] {0f, 0.3f}) {
            models.add(Arguments.of(cell, layers, Input.EMBEDDING, hidden, dropout));
            models.add(Arguments.of(cell, layers, Input.ONE_HOT, hidden, dropout));
          }
        }
      }
    }
    return models.build();
  }

  @ParameterizedTest(name = "{0}, {1} layers, {2}, {3} units, dropout {4}")
  @MethodSource("models")
  void modelIsCloseToTheReference(
      CellKind cell, int layers, Input input, int hidden, float dropout) {
    int embedding = input == Input.EMBEDDING ? 21 : 0;
    check(
        new ModelSpec(cell, layers, VOCABULARY, input, embedding, hidden, dropout),
        ActivationPenalties.NONE,
        hidden);
  }

  static Stream<SpecialModels> specialModels() {
    return Stream.of(
            SpecialModels.all(VOCABULARY),
            SpecialModels.adaptive(VOCABULARY),
            SpecialModels.sampled(3 * VOCABULARY, STREAMS * TIME))
        .flatMap(models -> models);
  }

  @ParameterizedTest
  @MethodSource("specialModels")
  void specialModelIsCloseToTheReference(SpecialModels special) {
    check(special.spec(), special.penalties(), 18);
  }

  private void check(ModelSpec spec, ActivationPenalties penalties, int hidden) {
    SplittableRandom random = new SplittableRandom(SEED);
    float[] parameters = uniform(random, spec.layout().size(), (float) (1 / Math.sqrt(hidden)));
    float[] state = uniform(random, spec.stateFloats(STREAMS), 0.5f);
    int[] tokens = random.ints(TIME * STREAMS, 0, spec.vocabulary()).toArray();
    int[] labels = random.ints(TIME * STREAMS, 0, spec.vocabulary()).toArray();
    float scale = 1f / STREAMS;
    double bound = bound(spec, hidden);
    boolean switches = spec.cell() == CellKind.RNN_RELU && precision() != Precision.FLOAT32;

    double[] exact = new double[parameters.length];
    ReferenceModel reference = new ReferenceModel(spec, STREAMS, exact);
    LanguageModel.Masks before = new LanguageModel.Masks(SEED, 8, 0);
    LanguageModel.Masks now = new LanguageModel.Masks(SEED, 9, 0);
    double[][] masksBefore = DropoutFactors.of(spec, TIME, STREAMS, labels, before);
    setProduct(exact, parameters, DropoutFactors.ofWeights(spec, before));
    reference.zoneout(DropoutFactors.ofZoneout(spec, TIME, STREAMS, before));
    reference.forward(TIME, labels, tokens, doubles(state), masksBefore);
    if (spec.softmax().isSampled()) {
      reference.sample(SpecialModels.corrections(spec, labels, now));
    }
    double[][] masks = DropoutFactors.of(spec, TIME, STREAMS, tokens, now);
    double[] kept = DropoutFactors.ofWeights(spec, now);
    setProduct(exact, parameters, kept);
    reference.zoneout(DropoutFactors.ofZoneout(spec, TIME, STREAMS, now));
    double[] losses = reference.forward(TIME, tokens, labels, reference.finalState(), masks);
    double[] gradients =
        DropoutFactors.product(reference.backward(scale, penalties, masks).parameters(), kept);

    try (LanguageModel model = LanguageModel.forTraining(spec, kernel(), STREAMS, TIME, 0)) {
      model.setParameters(parameters);
      model.writeState(state);
      model.train(TIME, labels, tokens, scale, before);
      model.clearTouchedRows();
      model.carryState(TIME);
      model.train(TIME, tokens, labels, scale, penalties, now);
      double[] actualLosses = new double[losses.length];
      model.losses(losses.length, actualLosses);
      assertClose("losses", actualLosses, losses, 0, losses.length, bound);
      double[] actual = doubles(model.gradients().toArray());
      for (ParameterBlock block : spec.layout().blocks()) {
        double limit = switches ? BF16_RECTIFIER_BOUND : bound;
        assertClose(block.name(), actual, gradients, block.offset(), block.size(), limit);
      }
    }
  }

  private static void setProduct(double[] product, float[] left, double[] right) {
    Arrays.setAll(product, i -> left[i] * right[i]);
  }

  private static void assertClose(
      String name, double[] actual, double[] expected, int offset, int size, double bound) {
    double largest = 0;
    double deviation = 0;
    for (int i = offset; i < offset + size; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      deviation = Math.max(deviation, Math.abs(actual[i] - expected[i]));
    }
    assertThat(deviation / largest).as("%s, seed %d", name, SEED).isLessThan(bound);
  }

  private static float[] uniform(SplittableRandom random, int count, float range) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) ((2 * random.nextDouble() - 1) * range);
    }
    return values;
  }

  private static double[] doubles(float[] values) {
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = values[i];
    }
    return result;
  }
}
