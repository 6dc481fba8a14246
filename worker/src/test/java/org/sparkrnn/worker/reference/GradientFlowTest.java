package org.sparkrnn.worker.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.TokenSource;

class GradientFlowTest {
  private static final int VOCABULARY = 5;
  private static final int HIDDEN = 3;
  private static final int LAGS = 6;
  private static final ModelSpec SPEC =
      new ModelSpec(CellKind.GRU, 2, VOCABULARY, Input.EMBEDDING, 4, HIDDEN, 0);
  private static final int[] TOKENS = new SplittableRandom(7).ints(40, 0, VOCABULARY).toArray();
  private static final TokenSource SOURCE =
      (first, target, from, count) -> System.arraycopy(TOKENS, (int) first, target, from, count);

  private static float[] parameters() {
    return parameters(SPEC);
  }

  private static float[] parameters(ModelSpec spec) {
    SplittableRandom random = new SplittableRandom(8);
    float[] parameters = new float[spec.layout().size()];
    for (int i = 0; i < parameters.length; i++) {
      parameters[i] = (float) random.nextDouble(-0.8, 0.8);
    }
    return parameters;
  }

  /**
   * The state k steps before T, moved a little, moves the loss at T: with one window of k steps.
   */
  @ParameterizedTest
  @EnumSource
  void lagsAreDerivativesByTheStateBeforeAWindowOfThatLength(CellKind cell) throws IOException {
    ModelSpec spec = new ModelSpec(cell, 2, VOCABULARY, Input.EMBEDDING, 4, HIDDEN, 0);
    float[] parameters = parameters(spec);
    GradientFlow flow = GradientFlow.of(spec, parameters, SOURCE, TOKENS.length, 1, LAGS);
    double[] w = new double[parameters.length];
    for (int i = 0; i < w.length; i++) {
      w[i] = parameters[i];
    }
    for (int lag = 1; lag <= LAGS; lag++) {
      ReferenceModel model = new ReferenceModel(spec, 1, w);
      double[][] masks = ReferenceModel.withoutDropout(spec);
      int before = 2 * LAGS + 1 - lag; // steps up to and with T - lag
      model.forward(
          before, part(0, before), part(1, before), new double[spec.stateFloats(1)], masks);
      double[] state = model.finalState();
      int first = cell.states() * HIDDEN; // of the last layer
      double byHidden = norm(model, before, lag, state, first);
      assertThat(flow.norms().get(1)[lag]).as("lag %d", lag).isCloseTo(byHidden, within(1e-8));
      if (cell.hasCellState()) {
        double byCell = norm(model, before, lag, state, first + HIDDEN);
        assertThat(flow.cellNorms().get(1)[lag]).as("lag %d", lag).isCloseTo(byCell, within(1e-8));
      }
    }
    assertThat(flow.cellNorms()).hasSize(cell.hasCellState() ? 2 : 0);
  }

  /** Of the differences of the last loss by a layer's units of one state. */
  private static double norm(ReferenceModel model, int before, int lag, double[] state, int first) {
    double[][] masks = ReferenceModel.withoutDropout(SPEC);
    double sum = 0;
    for (int unit = first; unit < first + HIDDEN; unit++) {
      double h = 1e-4;
      double value = state[unit];
      state[unit] = value + h;
      double above = lastLoss(model, before, lag, state, masks);
      state[unit] = value - h;
      double below = lastLoss(model, before, lag, state, masks);
      state[unit] = value;
      sum += Math.pow((above - below) / (2 * h), 2);
    }
    return Math.sqrt(sum);
  }

  private static double lastLoss(
      ReferenceModel model, int first, int time, double[] state, double[][] masks) {
    return model.forward(time, part(first, time), part(first + 1, time), state, masks)[time - 1];
  }

  private static int[] part(int first, int count) {
    return java.util.Arrays.copyOfRange(TOKENS, first, first + count);
  }

  @Test
  void placesAreAveragedInTheMeanSquare() throws IOException {
    double[] two = GradientFlow.of(SPEC, parameters(), SOURCE, 40, 2, LAGS).norms().get(0);
    double[] first = GradientFlow.of(SPEC, parameters(), SOURCE, 20, 1, LAGS).norms().get(0);
    TokenSource later = (from, target, at, count) -> SOURCE.read(from + 20, target, at, count);
    double[] second = GradientFlow.of(SPEC, parameters(), later, 20, 1, LAGS).norms().get(0);
    for (int lag = 0; lag <= LAGS; lag++) {
      double expected = Math.sqrt((first[lag] * first[lag] + second[lag] * second[lag]) / 2);
      assertThat(two[lag]).isCloseTo(expected, within(1e-12));
    }
  }

  @Test
  void aSplitThatIsTooShortIsNamedWithWhatIsNeeded() {
    assertThatThrownBy(() -> GradientFlow.of(SPEC, parameters(), SOURCE, 40, 4, LAGS))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("40 tokens: 56 are needed");
  }
}
