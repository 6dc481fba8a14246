package org.sparkrnn.common.config;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.sparkrnn.common.errors.BadInputException;

/**
 * The group {@code model}: the network and how its parameters are drawn.
 *
 * @param hidden units of each layer; the constructor takes one number for all of them too
 * @param projection columns of each layer's hidden state, to which its units are projected; 0 where
 *     they are not; the constructor takes one number for all of them too
 * @param layerNormalization whether what the gates add up, and the cell state, are normalised (Ba,
 *     Kiros and Hinton 2016)
 * @param residual whether the input of every layer but the first is added to its output
 * @param embedding columns of the embedding; without effect for one-hot input
 * @param tied whether the embedding is the output's weight matrix too
 * @param pretrainedEmbeddings file of word vectors that a new run's embedding starts from; empty
 *     for none
 * @param frozenEmbedding whether the embedding stays as it starts
 * @param output how a language model predicts a word
 * @param dropouts what is zeroed or kept while training
 * @param initializationRange half the width of the interval that {@code uniform} draws from
 * @param forgetGateBiasOrNaN see {@link #forgetGateBias}
 */
public record ModelConfig(
    Cell cell,
    int layers,
    List<Integer> hidden,
    List<Integer> projection,
    boolean layerNormalization,
    boolean residual,
    Input input,
    int embedding,
    boolean tied,
    String pretrainedEmbeddings,
    boolean frozenEmbedding,
    SoftmaxConfig output,
    DropoutConfig dropouts,
    Initialization initialization,
    double initializationRange,
    double forgetGateBiasOrNaN)
    implements Serializable {
  private static final int MOST_LAYERS = 1000;
  private static final int MOST_UNITS = 1 << 24;

  /** What one time step of a recurrent layer computes. */
  public enum Cell {
    LSTM,
    GRU,
    RNN_TANH,
    RNN_RELU,
    LSTM_COUPLED,
    LSTM_PEEPHOLE,
    LSTM_PEEPHOLE_PREVIOUS,
    GRU_RESET_BEFORE;

    boolean hasCellState() {
      return switch (this) {
        case LSTM, LSTM_COUPLED, LSTM_PEEPHOLE, LSTM_PEEPHOLE_PREVIOUS -> true;
        case GRU, GRU_RESET_BEFORE, RNN_TANH, RNN_RELU -> false;
      };
    }
  }

  /** How a token becomes the input of the first layer. */
  public enum Input {
    EMBEDDING,
    ONE_HOT
  }

  /** The distribution that the parameters are drawn from. */
  public enum Initialization {
    /** All of them from ±{@code initialization-range} (Zaremba et al. 2014). */
    UNIFORM,
    /** As PyTorch's modules do by default. */
    PYTORCH,
    /**
     * As AWD-LSTM does (Merity et al. 2018): recurrent layers as {@link #PYTORCH}, embedding and
     * output as {@link #UNIFORM}, the output's bias 0.
     */
    AWD,
    /** Every matrix from ±√(6/(rows + columns)), each gate for itself, biases 0 (Glorot 2010). */
    XAVIER,
    /**
     * As {@link #XAVIER}, but recurrent matrices orthogonal, each gate's (Saxe et al. 2014); their
     * columns, where a projection makes them fewer than their rows.
     */
    ORTHOGONAL
  }

  public ModelConfig {
    Checks.requirePositive("model.layers", layers);
    Checks.requirePositive("model.embedding", embedding);
    // Beyond what 2³¹ − 1 parameters allow, within what can be counted before they are laid out.
    Checks.requireAtMost("model.layers", MOST_LAYERS, layers);
    Checks.requireAtMost("model.embedding", MOST_UNITS, embedding);
    for (int units : hidden) {
      Checks.requirePositive("model.hidden", units);
      Checks.requireAtMost("model.hidden", MOST_UNITS, units);
    }
    hidden = ofEachLayer("model.hidden", hidden, layers);
    projection = ofEachLayer("model.projection", projection, layers);
    requireProjection(projection, hidden, cell);
    if (residual) {
      requireResidual(hidden, projection);
    }
    if (tied) {
      requireTied(input, embedding, hidden.get(layers - 1), projection.get(layers - 1));
    }
    if (frozenEmbedding && tied) {
      throw new BadInputException(
          "model.frozen-embedding cannot be used with model.tied: the output would not learn");
    }
    if (output.isAdaptive() && tied) {
      throw new BadInputException(
          "model.tied cannot be used with model.softmax = adaptive: rare words have fewer columns there than in the embedding");
    }
    if (input == Input.ONE_HOT) {
      requireNoEmbedding("model.input = one-hot", pretrainedEmbeddings, frozenEmbedding, dropouts);
    }
    if (dropouts.zoneoutCell() > 0 && !cell.hasCellState()) {
      throw new BadInputException(
          "model.zoneout-cell needs a cell with a cell state, an LSTM, got model.cell = %s"
              .formatted(Checks.text(cell)));
    }
    Checks.requirePositive("model.initialization-range", initializationRange);
    if (Double.isInfinite(forgetGateBiasOrNaN)) {
      throw new BadInputException(
          "model.forget-gate-bias must be finite or null, got " + forgetGateBiasOrNaN);
    }
  }

  /**
   * Refuses settings of an embedding where there is none.
   *
   * @param reason what there is in its place, to name in the message
   */
  public void requireNoEmbedding(String reason) {
    requireNoEmbedding(reason, pretrainedEmbeddings, frozenEmbedding, dropouts);
  }

  private static void requireNoEmbedding(
      String reason, String pretrained, boolean frozen, DropoutConfig dropouts) {
    Map<String, Boolean> settings = new LinkedHashMap<>();
    settings.put("model.pretrained-embeddings", !pretrained.isEmpty());
    settings.put("model.frozen-embedding", frozen);
    settings.put("model.embedding-dropout", dropouts.embeddingDropout() > 0);
    settings.put("model.word-dropout", dropouts.wordDropout() > 0);
    settings.put("model.dropout-input", dropouts.dropoutInputOrNaN() > 0);
    settings.forEach(
        (name, used) -> {
          if (used) {
            throw new BadInputException(
                "%s needs an embedding, and there is none with %s".formatted(name, reason));
          }
        });
  }

  private static List<Integer> ofEachLayer(String key, List<Integer> sizes, int layers) {
    if (sizes.size() == 1) {
      return Collections.nCopies(layers, sizes.get(0));
    }
    if (sizes.size() != layers) {
      throw new BadInputException(
          "%s must be one number or one for each of model.layers = %d, got %s"
              .formatted(key, layers, sizes));
    }
    return List.copyOf(sizes);
  }

  private static void requireProjection(List<Integer> projection, List<Integer> hidden, Cell cell) {
    for (int layer = 0; layer < projection.size(); layer++) {
      int columns = projection.get(layer);
      if (columns < 0 || columns >= hidden.get(layer)) {
        throw new BadInputException(
            "model.projection must be 0 or below model.hidden of the same layer, got %d of %d"
                .formatted(columns, hidden.get(layer)));
      }
    }
    boolean projects = Collections.max(projection) > 0;
    if (projects && !cell.hasCellState()) {
      throw new BadInputException(
          "model.projection needs a cell with a cell state, an LSTM, got model.cell = %s"
              .formatted(Checks.text(cell)));
    }
  }

  /** Where a layer is projected, its size is what it is projected to. */
  private static void requireResidual(List<Integer> hidden, List<Integer> projection) {
    List<Integer> sizes = new ArrayList<>();
    for (int layer = 0; layer < hidden.size(); layer++) {
      sizes.add(projection.get(layer) > 0 ? projection.get(layer) : hidden.get(layer));
    }
    if (sizes.size() < 2 || sizes.stream().distinct().count() > 1) {
      throw new BadInputException(
          "model.residual needs at least two layers of equal size, got model.hidden = %s%s"
              .formatted(
                  hidden,
                  Collections.max(projection) > 0 ? ", model.projection = " + projection : ""));
    }
  }

  private static void requireTied(Input input, int embedding, int units, int projection) {
    if (input != Input.EMBEDDING) {
      throw new BadInputException("model.tied needs model.input = embedding, got one-hot");
    }
    int last = projection > 0 ? projection : units;
    if (embedding != last) {
      throw new BadInputException(
          "model.tied needs a last layer of the embedding's size: model.%s ends in %d, model.embedding is %d"
              .formatted(projection > 0 ? "projection" : "hidden", last, embedding));
    }
  }

  /**
   * The value that the forget gate's part of every {@code bias_ih} starts from; empty leaves it as
   * drawn.
   */
  public OptionalDouble forgetGateBias() {
    return Double.isNaN(forgetGateBiasOrNaN)
        ? OptionalDouble.empty()
        : OptionalDouble.of(forgetGateBiasOrNaN);
  }
}
