package org.sparkrnn.worker.model;

import java.io.Serializable;
import org.sparkrnn.common.config.ModelConfig;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.kernel.CellKind;

/**
 * The architecture of a language model: embedding or one-hot input, a stack of recurrent layers, a
 * softmax over the vocabulary. Names, shapes and gate orders are PyTorch's.
 *
 * @param embedding columns of the embedding; 0 for one-hot input
 * @param dropout share of elements zeroed between embedding, layers and output while training
 */
public record ModelSpec(
    CellKind cell,
    int layers,
    int vocabulary,
    Input input,
    int embedding,
    int hidden,
    float dropout)
    implements Serializable {
  public static final String EMBEDDING_WEIGHT = "embedding.weight";
  public static final String OUTPUT_WEIGHT = "output.weight";
  public static final String OUTPUT_BIAS = "output.bias";

  public ModelSpec {
    boolean embedded = input == Input.EMBEDDING;
    if (layers <= 0 || vocabulary <= 0 || hidden <= 0 || embedded != embedding > 0) {
      throw new IllegalArgumentException(
          "Cannot describe a model of %d layers, %d tokens, %d units, embedding %d"
              .formatted(layers, vocabulary, hidden, embedding));
    }
  }

  /** The architecture that settings ask for, on a vocabulary of that size. */
  public static ModelSpec of(ModelConfig config, int vocabulary) {
    return new ModelSpec(
        CellKind.valueOf(config.cell().name()),
        config.layers(),
        vocabulary,
        config.input(),
        config.input() == Input.EMBEDDING ? config.embedding() : 0,
        config.hidden(),
        (float) config.dropout());
  }

  public boolean isOneHot() {
    return input == Input.ONE_HOT;
  }

  /** Columns of a layer's {@code weight_ih}, layers counted from the input. */
  public int inputSize(int layer) {
    if (layer > 0) {
      return hidden;
    }
    return isOneHot() ? vocabulary : embedding;
  }

  /**
   * Floats of the carried state of that many streams; see {@link LanguageModel#readState}.
   *
   * @throws BadInputException if there are more than 2³¹ − 1
   */
  public int stateFloats(int streams) {
    long perStream = (long) layers * cell.states() * hidden;
    if (perStream > Integer.MAX_VALUE / streams) {
      throw new BadInputException(
          "Cannot carry the state of %d streams of %d numbers each: the limit is %d; lower batch.streams"
              .formatted(streams, perStream, Integer.MAX_VALUE));
    }
    return (int) (perStream * streams);
  }

  /** The parameters' blocks; the embedding, if there is one, comes first. */
  public ParameterLayout layout() {
    ParameterLayout.Builder layout = ParameterLayout.builder();
    if (!isOneHot()) {
      layout.add(EMBEDDING_WEIGHT, vocabulary, embedding);
    }
    int rows = cell.rows(hidden);
    for (int layer = 0; layer < layers; layer++) {
      layout
          .add("rnn.weight_ih_l" + layer, rows, inputSize(layer))
          .add("rnn.weight_hh_l" + layer, rows, hidden)
          .add("rnn.bias_ih_l" + layer, rows)
          .add("rnn.bias_hh_l" + layer, rows);
      if (cell.peepholes() > 0) {
        layout.add("rnn.weight_ph_l" + layer, cell.peepholes() * hidden);
      }
    }
    return layout.add(OUTPUT_WEIGHT, vocabulary, hidden).add(OUTPUT_BIAS, vocabulary).build();
  }

  /** New parameters; a function of the block names, the settings and the seed. */
  public float[] initialise(ModelConfig config, long seed) {
    return new Initializer(this, config, seed).parameters();
  }
}
