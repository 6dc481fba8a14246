package org.sparkrnn.worker.model;

import java.io.Serializable;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.sparkrnn.common.config.ModelConfig;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.config.SoftmaxConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.kernel.CellKind;

/**
 * The architecture of a model: embedding, one-hot or dense input, a stack of recurrent layers, a
 * linear layer to what is predicted. Names, shapes and gate orders are PyTorch's.
 *
 * @param hidden units of each layer
 * @param projection columns of each layer's hidden state, fewer than units, to which they are
 *     projected (Sak, Senior and Beaufays 2014); 0 where the units are the state
 * @param normalised whether what the gates add up, and the cell state, are normalised (Ba, Kiros
 *     and Hinton 2016)
 * @param vocabulary kinds of tokens; columns of a dense input
 * @param input of tokens; {@code ONE_HOT} where it is dense
 * @param embedding columns of the embedding; 0 for one-hot and dense input
 * @param residual whether the input of every layer but the first is added to its output
 * @param tied whether the embedding is the output's weight matrix too (Press and Wolf 2017, Inan et
 *     al. 2017)
 * @param frozenEmbedding whether the embedding stays as it starts
 * @param softmax what a language model predicts words by
 */
public record ModelSpec(
    CellKind cell,
    List<Integer> hidden,
    List<Integer> projection,
    boolean normalised,
    int vocabulary,
    Input input,
    int embedding,
    boolean residual,
    boolean tied,
    boolean frozenEmbedding,
    SoftmaxConfig softmax,
    Dropout dropout,
    TaskSpec task)
    implements Serializable {
  public static final String EMBEDDING_WEIGHT = "embedding.weight";
  public static final String OUTPUT_WEIGHT = "output.weight";
  public static final String OUTPUT_BIAS = "output.bias";
  public static final String HEAD_WEIGHT = "output.head.weight";
  public static final String HEAD_BIAS = "output.head.bias";

  public ModelSpec {
    boolean embedded = input == Input.EMBEDDING;
    if (hidden.isEmpty()
        || Collections.min(hidden) <= 0
        || vocabulary <= 0
        || embedded != embedding > 0
        || !fits(projection, hidden, cell)
        || (tied && embedding != outputs(hidden, projection, hidden.size() - 1))
        || (softmax.isAdaptive() && tied)
        || ((softmax.isAdaptive() || softmax.isSampled()) && task.isOfSequences())) {
      throw new IllegalArgumentException(
          "Cannot describe a model of %d tokens, layers of %s units projected to %s, embedding %d"
              .formatted(vocabulary, hidden, projection, embedding));
    }
    hidden = List.copyOf(hidden);
    projection = List.copyOf(projection);
  }

  private static boolean fits(List<Integer> projection, List<Integer> hidden, CellKind cell) {
    if (projection.size() != hidden.size()) {
      return false;
    }
    for (int layer = 0; layer < hidden.size(); layer++) {
      int columns = projection.get(layer);
      if (columns < 0 || columns >= hidden.get(layer) || (columns > 0 && !cell.isProjectable())) {
        return false;
      }
    }
    return true;
  }

  private static int outputs(List<Integer> hidden, List<Integer> projection, int layer) {
    return projection.get(layer) > 0 ? projection.get(layer) : hidden.get(layer);
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

  /** Layers of equal size with one rate of dropout. */
  public ModelSpec(
      CellKind cell,
      int layers,
      int vocabulary,
      Input input,
      int embedding,
      int hidden,
      float dropout,
      TaskSpec task) {
    this(
        cell,
        Collections.nCopies(layers, hidden),
        Collections.nCopies(layers, 0),
        false,
        vocabulary,
        input,
        embedding,
        false,
        false,
        false,
        SoftmaxConfig.FULL,
        Dropout.of(input == Input.EMBEDDING ? dropout : 0, dropout),
        task);
  }

  /** A language model of any kind. */
  public ModelSpec(
      CellKind cell,
      List<Integer> hidden,
      int vocabulary,
      Input input,
      int embedding,
      boolean residual,
      boolean tied,
      boolean frozenEmbedding,
      Dropout dropout) {
    this(
        cell,
        hidden,
        Collections.nCopies(hidden.size(), 0),
        false,
        vocabulary,
        input,
        embedding,
        residual,
        tied,
        frozenEmbedding,
        SoftmaxConfig.FULL,
        dropout,
        TaskSpec.LANGUAGE_MODEL);
  }

  /** The language model that settings ask for, on a vocabulary of that size. */
  public static ModelSpec of(ModelConfig config, int vocabulary) {
    return of(config, vocabulary, TaskSpec.LANGUAGE_MODEL);
  }

  /**
   * The architecture that settings ask for, on that many kinds of tokens or columns.
   *
   * @throws BadInputException if {@code model.softmax-cutoffs} are beyond them, or if columns are
   *     to have what only an embedding has
   */
  public static ModelSpec of(ModelConfig config, int vocabulary, TaskSpec task) {
    requireCutoffs(config.output(), vocabulary);
    if (task.dense()) {
      config.requireNoEmbedding("a corpus of numbers");
    }
    Input input = task.dense() ? Input.ONE_HOT : config.input();
    return new ModelSpec(
        CellKind.valueOf(config.cell().name()),
        config.hidden(),
        config.projection(),
        config.layerNormalization(),
        vocabulary,
        input,
        input == Input.EMBEDDING ? config.embedding() : 0,
        config.residual(),
        config.tied(),
        config.frozenEmbedding(),
        config.output(),
        Dropout.of(config.dropouts(), input == Input.ONE_HOT),
        task);
  }

  private static void requireCutoffs(SoftmaxConfig softmax, int vocabulary) {
    List<Integer> cutoffs = softmax.softmaxCutoffs();
    if (softmax.isAdaptive() && cutoffs.get(cutoffs.size() - 1) >= vocabulary) {
      throw new BadInputException(
          "Cannot use model.softmax-cutoffs = %s: the last one must be below the %d words of the vocabulary"
              .formatted(cutoffs, vocabulary));
    }
  }

  /** The same with another output layer. */
  public ModelSpec withSoftmax(SoftmaxConfig other) {
    return with(projection, normalised, other);
  }

  /** The same with another projection of each layer. */
  public ModelSpec withProjection(List<Integer> other) {
    return with(other, normalised, softmax);
  }

  /** The same with layer normalisation. */
  public ModelSpec withNormalisation() {
    return with(projection, true, softmax);
  }

  private ModelSpec with(
      List<Integer> otherProjection, boolean normalisation, SoftmaxConfig otherSoftmax) {
    return new ModelSpec(
        cell,
        hidden,
        otherProjection,
        normalisation,
        vocabulary,
        input,
        embedding,
        residual,
        tied,
        frozenEmbedding,
        otherSoftmax,
        dropout,
        task);
  }

  /** The parts of the vocabulary under an adaptive softmax. */
  public WordClusters clusters() {
    return new WordClusters(
        softmax.softmaxCutoffs(), softmax.softmaxDivisor(), outputSize(), vocabulary);
  }

  /** Whether a token selects a column of the first layer's weights. */
  public boolean isOneHot() {
    return input == Input.ONE_HOT && !task.dense();
  }

  /** Recurrent layers. */
  public int layers() {
    return hidden.size();
  }

  /** Units of a layer, layers counted from the input. */
  public int hidden(int layer) {
    return hidden.get(layer);
  }

  /** Columns of a layer's hidden state: its units, or what they are projected to. */
  public int output(int layer) {
    return outputs(hidden, projection, layer);
  }

  /** Columns of the output's weights: of the last layer's hidden state. */
  public int outputSize() {
    return output(layers() - 1);
  }

  /** Columns of a layer's {@code weight_ih}, layers counted from the input. */
  public int inputSize(int layer) {
    if (layer > 0) {
      return task.joined(output(layer - 1));
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
    return task.joined(outputSize());
  }

  /** Columns of what dropout sees at a place: 0 the first layer's input, l layer l − 1's output. */
  public int columns(int place) {
    return place == 0 ? embedding : output(place - 1);
  }

  /** The rate of dropout at a place; see {@link #columns}. */
  public float dropoutRate(int place) {
    return dropout.rate(place, layers());
  }

  /** Whether a layer's input is added to its output. */
  public boolean isResidual(int layer) {
    return residual && layer > 0;
  }

  /** The block that holds the output's weights. */
  public String outputWeight() {
    return tied ? EMBEDDING_WEIGHT : OUTPUT_WEIGHT;
  }

  /** Whether only the rows of the window's tokens have a gradient in the embedding. */
  public boolean hasSparseEmbedding() {
    return embedding > 0 && !tied && !frozenEmbedding;
  }

  /** Floats of the carried state of one layer. */
  int stateFloats(int layer, int streams) {
    return Math.toIntExact(streams * stateColumns(layer));
  }

  /** Of the hidden state and, if there is one, the cell's. */
  private long stateColumns(int layer) {
    return output(layer) + (cell.hasCellState() ? (long) hidden(layer) : 0);
  }

  /**
   * Floats of the carried state of that many streams; see {@link LanguageModel#readState}. 0 for
   * models of sequences, each of which begins with a zero state.
   *
   * @throws BadInputException if there are more than 2³¹ − 1
   */
  public int stateFloats(int streams) {
    long perStream =
        task.isOfSequences() ? 0 : IntStream.range(0, layers()).mapToLong(this::stateColumns).sum();
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
    for (int layer = 0; layer < layers(); layer++) {
      int rows = cell.rows(hidden(layer));
      for (String direction : directions()) {
        String name = layer + direction;
        layout
            .add("rnn.weight_ih_l" + name, rows, inputSize(layer))
            .add("rnn.weight_hh_l" + name, rows, output(layer))
            .add("rnn.bias_ih_l" + name, rows)
            .add("rnn.bias_hh_l" + name, rows);
        if (cell.peepholes() > 0) {
          layout.add("rnn.weight_ph_l" + name, cell.peepholes() * hidden(layer));
        }
        if (projection.get(layer) > 0) {
          layout.add("rnn.weight_hr_l" + name, output(layer), hidden(layer));
        }
        if (normalised) {
          layout.add("rnn.gain_ih_l" + name, rows).add("rnn.gain_hh_l" + name, rows);
        }
        if (normalised && cell.hasCellState()) {
          layout
              .add("rnn.gain_c_l" + name, hidden(layer))
              .add("rnn.bias_c_l" + name, hidden(layer));
        }
      }
    }
    if (softmax.isAdaptive()) {
      addAdaptive(layout);
      return layout.build();
    }
    if (!tied) {
      layout.add(OUTPUT_WEIGHT, outputs(), features());
    }
    return layout.add(OUTPUT_BIAS, outputs()).build();
  }

  /** As PyTorch's {@code AdaptiveLogSoftmaxWithLoss} names them. */
  private void addAdaptive(ParameterLayout.Builder layout) {
    WordClusters clusters = clusters();
    layout.add(HEAD_WEIGHT, clusters.headClasses(), outputSize());
    layout.add(HEAD_BIAS, clusters.headClasses());
    for (int i = 0; i < clusters.count(); i++) {
      layout.add(WordClusters.projectionWeight(i), clusters.columns(i), outputSize());
      layout.add(WordClusters.wordsWeight(i), clusters.words(i), clusters.columns(i));
    }
  }

  /** New parameters; a function of the block names, the settings and the seed. */
  public float[] initialise(ModelConfig config, long seed) {
    return new Initializer(this, config, seed).parameters();
  }
}
