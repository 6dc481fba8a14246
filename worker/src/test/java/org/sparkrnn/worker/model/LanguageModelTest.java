package org.sparkrnn.worker.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkrnn.common.config.DropoutConfig.Kind;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.reference.DropoutFactors;
import org.sparkrnn.worker.reference.ReferenceModel;
import org.sparkrnn.worker.reference.SpecialModels;

/** The composition of kernel operations against the double-precision reference. */
class LanguageModelTest {
  private static final int STREAMS = 3;
  private static final int WINDOW = 6;
  private static final int VOCABULARY = 13;
  private static final long SEED = 41;

  /** Of the largest magnitude in a block: 6 steps of sums over 18 products round to about 2⁻²¹. */
  private static final double TOLERANCE = 1e-5;

  static Stream<Arguments> cases() {
    Stream.Builder<Arguments> cases = Stream.builder();
    for (CellKind cell : CellKind.values()) {
      for (Input input : Input.values()) {
        for (int layers : new int[] {1, 3}) {
          for (float dropout : new float[] {0f, 0.4f}) {
            cases.add(Arguments.of(cell, input, layers, dropout));
          }
        }
      }
    }
    return cases.build();
  }

  private static ModelSpec spec(CellKind cell, Input input, int layers, float dropout) {
    int embedding = input == Input.EMBEDDING ? 7 : 0;
    return new ModelSpec(cell, layers, VOCABULARY, input, embedding, 18, dropout);
  }

  private static float[] parameters(ModelSpec spec) {
    SplittableRandom random = new SplittableRandom(SEED);
    float[] parameters = new float[spec.layout().size()];
    for (int i = 0; i < parameters.length; i++) {
      parameters[i] = (float) (random.nextDouble() - 0.5);
    }
    return parameters;
  }

  @ParameterizedTest(name = "{0} {1} {2} layers dropout {3}")
  @MethodSource("cases")
  void windowsMatchTheReferenceWithCarriedState(
      CellKind cell, Input input, int layers, float dropout) {
    check(spec(cell, input, layers, dropout), ActivationPenalties.NONE, 2);
  }

  static Stream<SpecialModels> specialModels() {
    return Stream.of(
            SpecialModels.all(VOCABULARY),
            SpecialModels.adaptive(VOCABULARY),
            SpecialModels.sampled(3 * VOCABULARY, STREAMS * WINDOW))
        .flatMap(Function.identity());
  }

  @ParameterizedTest
  @MethodSource("specialModels")
  void windowsOfSpecialModelsMatchTheReference(SpecialModels special) {
    check(special.spec(), special.penalties(), 1);
  }

  private static void check(ModelSpec spec, ActivationPenalties penalties, int shortWindow) {
    SplittableRandom random = new SplittableRandom(SEED);
    float[] parameters = parameters(spec);
    double[] exact = new double[parameters.length];
    ReferenceModel reference = new ReferenceModel(spec, STREAMS, exact);
    double[] state = new double[spec.stateFloats(STREAMS)];
    try (LanguageModel model =
        LanguageModel.forTraining(spec, new JavaKernel(), STREAMS, WINDOW, 0)) {
      model.setParameters(parameters);
      // Full, short and full again, so that nothing of a longer window shines through.
      for (int step = 0; step < 3; step++) {
        int time = step == 1 ? shortWindow : WINDOW;
        int[] tokens = random.ints((long) STREAMS * time, 0, VOCABULARY).toArray();
        int[] labels = random.ints((long) STREAMS * time, 0, VOCABULARY).toArray();
        float scale = 1f / (time * STREAMS);
        LanguageModel.Masks masks = new LanguageModel.Masks(SEED, step, 5);
        double loss = model.train(time, tokens, labels, scale, penalties, masks);

        double[][] factors = DropoutFactors.of(spec, time, STREAMS, tokens, masks);
        double[] weights = DropoutFactors.ofWeights(spec, masks);
        Arrays.setAll(exact, i -> parameters[i] * weights[i]);
        reference.zoneout(DropoutFactors.ofZoneout(spec, time, STREAMS, masks));
        if (spec.softmax().isSampled()) {
          reference.sample(SpecialModels.corrections(spec, labels, masks));
        }
        double[] losses = reference.forward(time, tokens, labels, state, factors);
        state = reference.finalState();
        double[] gradients =
            DropoutFactors.product(
                reference.backward(scale, penalties, factors).parameters(), weights);
        double exactLoss = Arrays.stream(losses).sum();
        // 54 nats where states are below 1; a rectifier's states, and with them its losses, grow.
        assertThat(Math.abs(loss - exactLoss)).isLessThan(1e-4 * Math.max(1, exactLoss / 54));
        assertBlocks(spec, model.gradients().toArray(), gradients);
        model.clearTouchedRows();
        model.carryState(time);
        float[] carried = new float[state.length];
        model.readState(carried);
        for (int i = 0; i < state.length; i++) {
          // A rectifier's state has no bound: relative above 1.
          assertThat(Math.abs(carried[i] - state[i]))
              .isLessThan(TOLERANCE * Math.max(1, Math.abs(state[i])));
        }
      }
    }
  }

  private static void assertBlocks(ModelSpec spec, float[] actual, double[] expected) {
    for (ParameterBlock block : spec.layout().blocks()) {
      // Normalising divides by the deviation of a few small sums.
      double tolerance = (spec.normalised() ? 5 : 1) * TOLERANCE;
      double largest = 0;
      double deviation = 0;
      for (int i = block.offset(); i < block.offset() + block.size(); i++) {
        largest = Math.max(largest, Math.abs(expected[i]));
        deviation = Math.max(deviation, Math.abs(expected[i] - actual[i]));
      }
      assertThat(deviation)
          .as("gradient of %s, of size %g, seed %d", block.name(), largest, SEED)
          .isLessThanOrEqualTo(tolerance * largest); // a cluster without a word has none
    }
  }

  /** Evaluation takes the mean of a unit's states that zoneout chooses from. */
  @ParameterizedTest
  @MethodSource("specialModels")
  void evaluationMatchesTheReference(SpecialModels special) {
    ModelSpec spec = special.spec();
    float[] parameters = parameters(spec);
    double[] exact = new double[parameters.length];
    Arrays.setAll(exact, i -> parameters[i]);
    ReferenceModel reference = new ReferenceModel(spec, STREAMS, exact);
    int[] tokens = new SplittableRandom(SEED).ints(STREAMS * WINDOW, 0, VOCABULARY).toArray();
    double[] state = new double[spec.stateFloats(STREAMS)];
    double[] losses = new double[tokens.length];
    try (LanguageModel model =
        LanguageModel.forEvaluation(spec, new JavaKernel(), STREAMS, WINDOW)) {
      model.setParameters(parameters);
      for (int window = 0; window < 2; window++) {
        model.evaluate(WINDOW, tokens, tokens);
        model.losses(losses.length, losses);
        model.carryState(WINDOW);
        double[] expected =
            reference.forward(WINDOW, tokens, tokens, state, ReferenceModel.withoutDropout(spec));
        state = reference.finalState();
        for (int p = 0; p < expected.length; p++) {
          assertThat(Math.abs(losses[p] - expected[p]))
              .isLessThan(TOLERANCE * Math.max(1, expected[p]));
        }
      }
    }
  }

  @Test
  void evaluationMatchesTrainingWithoutDropout() {
    evaluationMatchesTraining(spec(CellKind.GRU, Input.EMBEDDING, 2, 0f));
    evaluationMatchesTraining(
        new ModelSpec(
            CellKind.LSTM,
            List.of(9, 9),
            VOCABULARY,
            Input.EMBEDDING,
            9,
            true,
            true,
            false,
            new Dropout(Kind.VARIATIONAL, 0, 0, 0, 0, 0, 0)));
  }

  private static void evaluationMatchesTraining(ModelSpec spec) {
    float[] parameters = parameters(spec);
    int[] tokens = new SplittableRandom(SEED).ints(STREAMS * WINDOW, 0, VOCABULARY).toArray();
    double[] losses = new double[tokens.length];
    double trained;
    try (LanguageModel model =
        LanguageModel.forTraining(spec, new JavaKernel(), STREAMS, WINDOW, 0)) {
      model.setParameters(parameters);
      trained = model.train(WINDOW, tokens, tokens, 1f, new LanguageModel.Masks(1, 1, 1));
    }
    try (LanguageModel model =
        LanguageModel.forEvaluation(spec, new JavaKernel(), STREAMS, WINDOW)) {
      model.setParameters(parameters);
      model.evaluate(WINDOW, tokens, tokens);
      model.losses(losses.length, losses);
    }
    double sum = 0;
    for (double loss : losses) {
      sum += loss;
    }
    assertThat(sum).isEqualTo(trained);
  }

  /** What is generated from is what losses are of: the logarithm of every word's probability. */
  @ParameterizedTest
  @MethodSource("specialModels")
  void predictionsGiveTheLossesOfEvaluation(SpecialModels special) {
    ModelSpec spec = special.spec();
    float[] parameters = parameters(spec);
    int[] labels = new int[spec.vocabulary()];
    Arrays.setAll(labels, v -> v);
    float[] logits = new float[spec.vocabulary()];
    double[] losses = new double[spec.vocabulary()];
    double[] loss = new double[1];
    try (LanguageModel generating = LanguageModel.forGeneration(spec, new JavaKernel())) {
      generating.setParameters(parameters);
      generating.predict(3, logits);
    }
    try (LanguageModel model = LanguageModel.forEvaluation(spec, new JavaKernel(), 1, 1)) {
      model.setParameters(parameters);
      for (int v : labels) {
        model.evaluate(1, new int[] {3}, new int[] {v});
        model.losses(1, loss);
        losses[v] = loss[0];
      }
    }
    double sum = 0;
    for (double each : losses) {
      sum += StrictMath.exp(-each);
    }
    assertThat(Math.abs(sum - 1)).isLessThan(1e-5);
    for (int v : labels) {
      assertThat(Math.abs(logits[v] - logits[0] + losses[v] - losses[0])).isLessThan(1e-5);
    }
  }

  @Test
  void embeddingGradientIsZeroButForTouchedRows() {
    ModelSpec spec = spec(CellKind.LSTM, Input.EMBEDDING, 1, 0f);
    float[] parameters = parameters(spec);
    try (LanguageModel model = LanguageModel.forTraining(spec, new JavaKernel(), 1, 4, 0)) {
      model.setParameters(parameters);
      LanguageModel.Masks masks = new LanguageModel.Masks(1, 1, 1);
      model.train(4, new int[] {5, 2, 5, 9}, new int[4], 1f, masks);
      assertThat(Arrays.copyOf(model.touchedRows().rows(), model.touchedRows().count()))
          .containsExactly(5, 2, 9);
      float[] gradient = model.dEmbedding().toArray();
      for (int i = 0; i < gradient.length; i++) {
        int row = i / 7;
        assertThat(gradient[i] != 0).isEqualTo(row == 2 || row == 5 || row == 9);
      }
      model.clearTouchedRows();
      assertThat(model.dEmbedding().toArray()).containsOnly(0f);
    }
  }

  @Test
  void everyKindOfDropoutDropsSomeAndNotAll() {
    SpecialModels awd =
        specialModels()
            .filter(model -> model.spec().dropout().word() > 0)
            .findFirst()
            .orElseThrow();
    int[] tokens = new SplittableRandom(SEED).ints(STREAMS * WINDOW, 0, VOCABULARY).toArray();
    LanguageModel.Masks masks = new LanguageModel.Masks(SEED, 0, 5);
    double[][] factors = DropoutFactors.of(awd.spec(), WINDOW, STREAMS, tokens, masks);
    assertThat(Arrays.stream(factors)).allMatch(DropoutFactors::drops);
    assertThat(DropoutFactors.ofWeights(awd.spec(), masks)).matches(DropoutFactors::drops);
  }

  @Test
  void parametersOfAnotherModelAreRefused() {
    ModelSpec spec = spec(CellKind.LSTM, Input.ONE_HOT, 1, 0f);
    try (LanguageModel model = LanguageModel.forGeneration(spec, new JavaKernel())) {
      assertThatThrownBy(() -> model.setParameters(new float[3]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("Cannot use 3 parameters");
    }
  }
}
