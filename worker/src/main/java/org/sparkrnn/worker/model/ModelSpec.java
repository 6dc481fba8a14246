package org.sparkrnn.worker.model;

import java.io.Serializable;
import java.util.List;
import org.sparkrnn.common.config.ModelConfig;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.kernel.CellKind;

/**
 * The architecture of a model: embedding, one-hot or dense input, a stack of recurrent layers, a
 * linear layer to what is predicted. Names, shapes and gate orders are PyTorch's.
 *
 * @param vocabulary kinds of tokens; columns of a dense input
 * @param input of tokens; {@code ONE_HOT} where it is dense
 * @param embedding columns of the embedding; 0 for one-hot and dense input
 * @param dropout share of elements zeroed between embedding, layers and output while training
 */
public record ModelSpec(
    CellKind cell,
    int layers,
    int vocabulary,
    Input input,
    int embedding,
    int hidden,
    float dropout,
    TaskSpec task)
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

  /** A language model. */
  public ModelSpec(
      CellKind cell,
      int layers,
      int vocabulary,
      Input input,
      int embedding,
      int hidden,
      float dropout) {
    this(cell, layers, vocabulary, input, embedding, hidden, dropout, TaskSpec.LANGUAGE_MODEL);
  }

  /** The language model that settings ask for, on a vocabulary of that size. */
  public static ModelSpec of(ModelConfig config, int vocabulary) {
    return of(config, vocabulary, TaskSpec.LANGUAGE_MODEL);
  }

  /** The architecture that settings ask for, on that many kinds of tokens or columns. */
  public static ModelSpec of(ModelConfig config, int vocabulary, TaskSpec task) {
    Input input = task.dense() ? Input.ONE_HOT : config.input();
    return new ModelSpec(
        CellKind.valueOf(config.cell().name()),
        config.layers(),
        vocabulary,
        input,
        input == Input.EMBEDDING ? config.embedding() : 0,
        config.hidden(),
        (float) config.dropout(),
        task);
  }

  /** Whether a token selects a column of the first layer's weights. */
  public boolean isOneHot() {
    return input == Input.ONE_HOT && !task.dense();
  }

  /** Columns of a layer's {@code weight_ih}, layers counted from the input. */
  public int inputSize(int layer) {
    if (layer > 0) {
      return task.joined(hidden);
    }
    return input == Input.ONE_HOT ? vocabulary : embedding;
  }

  /** What the names of each direction's weights end with, the forward one first. */
  public List<String> directions() {
    return task.isBidirectional() ? List.of("", "_reverse") : List.of("");
  }

  /** Classes, or numbers that are predicted at once. */
  public int outputs() {
    return task.isOfSequences() ? task.outputs() : vocabulary;
  }

  /** Columns of {@code output.weight}. */
  public int features() {
    return task.joined(hidden);
  }

  /**
   * Floats of the carried state of that many streams; see {@link LanguageModel#readState}. 0 for
   * models of sequences, each of which begins with a zero state.
   *
   * @throws BadInputException if there are more than 2³¹ − 1
   */
  public int stateFloats(int streams) {
    long perStream = task.isOfSequences() ? 0 : (long) layers * cell.states() * hidden;
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
    if (embedding > 0) {
      layout.add(EMBEDDING_WEIGHT, vocabulary, embedding);
    }
    int rows = cell.rows(hidden);
    for (int layer = 0; layer < layers; layer++) {
      for (String direction : directions()) {
        String name = layer + direction;
        layout
            .add("rnn.weight_ih_l" + name, rows, inputSize(layer))
            .add("rnn.weight_hh_l" + name, rows, hidden)
            .add("rnn.bias_ih_l" + name, rows)
            .add("rnn.bias_hh_l" + name, rows);
        if (cell.peepholes() > 0) {
          layout.add("rnn.weight_ph_l" + name, cell.peepholes() * hidden);
        }
      }
    }
    return layout.add(OUTPUT_WEIGHT, outputs(), features()).add(OUTPUT_BIAS, outputs()).build();
  }

  /** New parameters; a function of the block names, the settings and the seed. */
  public float[] initialise(ModelConfig config, long seed) {
    return new Initializer(this, config, seed).parameters();
  }
}
