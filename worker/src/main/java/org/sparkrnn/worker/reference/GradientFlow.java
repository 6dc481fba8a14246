package org.sparkrnn.worker.reference;

import java.io.IOException;
import java.util.List;
import java.util.stream.IntStream;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.TokenSource;

/**
 * How far back a model's loss reaches: ‖∂L_T/∂h_{T−k}‖, the norm of the gradient of the loss at
 * step T by a layer's hidden state k steps before, and likewise by its cell state. In a simple
 * recurrent network it vanishes or explodes with k (Bengio, Simard and Frasconi 1994); the gates of
 * an LSTM were made so that it need not (Hochreiter and Schmidhuber 1997).
 *
 * @param norms {@code [layer][lag]}, lags from 0: root mean square over the places T
 * @param cellNorms the same by the cell state, by way of later steps alone, so that lag 0 has
 *     nothing; no layers if the cell has none
 */
public record GradientFlow(List<double[]> norms, List<double[]> cellNorms) {

  /**
   * Computes it in double, without dropout, at places that lie evenly in a split. The state at each
   * is that of {@code lags} steps before the window, which begin with a zero state.
   *
   * @param tokens number of tokens of the split
   * @param places how many T
   * @param lags largest k
   * @throws BadInputException if the split is too short
   */
  public static GradientFlow of(
      ModelSpec spec, float[] parameters, TokenSource source, long tokens, int places, int lags)
      throws IOException {
    int time = lags + 1;
    if (tokens / places < 2L * time) {
      throw new BadInputException(
          "Cannot follow gradients over %d steps at %d places of a split of %d tokens: %d are needed"
              .formatted(lags, places, tokens, 2L * time * places));
    }
    ReferenceModel model =
        new ReferenceModel(
            spec,
            places,
            IntStream.range(0, parameters.length).mapToDouble(i -> parameters[i]).toArray());
    int[][] sequences = new int[places][2 * time];
    for (int place = 0; place < places; place++) {
      source.read(tokens / places * place, sequences[place], 0, 2 * time);
    }
    double[][] masks = ReferenceModel.withoutDropout(spec);
    double[] zero = new double[spec.stateFloats(places)];
    model.forward(lags, window(sequences, 0, lags), window(sequences, 1, lags), zero, masks);
    model.forward(
        time,
        window(sequences, lags, time),
        window(sequences, lags + 1, time),
        model.finalState(),
        masks);
    double[] scales = new double[time * places];
    for (int place = 0; place < places; place++) {
      scales[lags * places + place] = 1;
    }
    model.backward(scales, masks);
    return new GradientFlow(
        IntStream.range(0, spec.layers())
            .mapToObj(layer -> norms(model.dHidden(layer), time, places))
            .toList(),
        IntStream.range(0, spec.cell().hasCellState() ? spec.layers() : 0)
            .mapToObj(layer -> norms(model.dCell(layer), time, places))
            .toList());
  }

  /** {@code [time · places]}, from a token of each sequence on. */
  private static int[] window(int[][] sequences, int first, int time) {
    int[] window = new int[time * sequences.length];
    for (int p = 0; p < window.length; p++) {
      window[p] = sequences[p % sequences.length][first + p / sequences.length];
    }
    return window;
  }

  private static double[] norms(double[] gradient, int time, int places) {
    int ofStep = gradient.length / time;
    double[] norms = new double[time];
    for (int lag = 0; lag < time; lag++) {
      double sum = 0;
      for (int i = (time - 1 - lag) * ofStep; i < (time - lag) * ofStep; i++) {
        sum += gradient[i] * gradient[i];
      }
      norms[lag] = Math.sqrt(sum / places);
    }
    return norms;
  }
}
