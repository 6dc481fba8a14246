package org.sparkrnn.worker.model;

import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.kernel.Arena;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.kernel.RecurrentLayer;
import org.sparkrnn.worker.kernel.RecurrentParameters;
import org.sparkrnn.worker.kernel.SoftmaxHead;
import org.sparkrnn.worker.random.PhiloxKey;

/**
 * A language model on one arena, which it owns: parameters, gradients, moments and the buffers of a
 * window of {@code window} steps and {@code streams} streams.
 *
 * <pre>
 *   token → embedding → dropout → layer 0 → dropout → … → layer L−1 → dropout → softmax
 *   token (one-hot)             → layer 0 → dropout → … → layer L−1 → dropout → softmax
 * </pre>
 *
 * <p>Tokens and labels are {@code [time · streams]}, position {@code step · streams + stream}. The
 * state of the streams lies in the layers; {@link #carryState} moves it to the next window.
 *
 * <p>The embedding's gradient is zero but for the rows of the window's tokens, which {@link
 * #touchedRows} lists, so that a step need not visit the others; {@link #clearTouchedRows} after
 * the update restores that. Nothing is allocated per time step. Not thread-safe.
 */
public final class LanguageModel implements TrainableModel {
  private final ModelSpec spec;
  private final Kernel kernel;
  private final int streams;
  private final int window;
  private final ParameterLayout layout;
  private final Arena arena;
  private final Matrix parameters;
  private final Matrix gradients;
  private final List<Matrix> moments = new ArrayList<>();
  private final Matrix embedding;
  private final Matrix dEmbedding;
  private final Matrix embedded;
  private final Matrix dEmbedded;
  private final List<RecurrentLayer> layers = new ArrayList<>();

  /** What enters layer l + 1 (the softmax for the last) when it is not layer l's output itself. */
  private final List<Matrix> dropped = new ArrayList<>();

  private final SoftmaxHead head;
  private final Matrix logits;
  private final TouchedRows touchedRows;

  /** The softmax's statistics of a window, copied here to sum the losses. */
  private final float[] statistics;

  private LanguageModel(
      ModelSpec spec, Kernel kernel, int streams, int window, ModelMemory memory) {
    this.spec = spec;
    this.kernel = kernel;
    this.streams = streams;
    this.window = window;
    this.layout = spec.layout();
    boolean training = memory.training();
    int positions = streams * window;
    this.arena = kernel.allocate(memory.plan());
    Matrix none = Matrix.absent(arena);
    this.parameters = memory.parameters().dense(arena, 0, 1, layout.size());
    this.gradients = training ? memory.gradients().dense(arena, 0, 1, layout.size()) : none;
    for (Region region : memory.moments()) {
      moments.add(region.dense(arena, 0, 1, layout.size()));
    }
    boolean oneHot = spec.isOneHot();
    this.embedding = oneHot ? none : block(parameters, ModelSpec.EMBEDDING_WEIGHT);
    this.dEmbedding = oneHot || !training ? none : block(gradients, ModelSpec.EMBEDDING_WEIGHT);
    this.embedded = oneHot ? none : memory.embedded().padded(arena, positions, spec.embedding());
    this.dEmbedded =
        oneHot || !training ? none : memory.dEmbedded().padded(arena, positions, spec.embedding());
    this.touchedRows = new TouchedRows(oneHot || !training ? 0 : spec.vocabulary(), positions);

    Matrix x = embedded;
    Matrix dx = dEmbedded;
    for (int index = 0; index < spec.layers(); index++) {
      RecurrentLayer layer =
          memory
              .layers()
              .get(index)
              .bind(
                  arena,
                  recurrent(parameters, index),
                  training ? recurrent(gradients, index) : RecurrentParameters.absent(arena),
                  x,
                  dx);
      layers.add(layer);
      x = layer.output(window);
      if (!memory.dropped().isEmpty()) {
        x = memory.dropped().get(index).padded(arena, positions, spec.hidden());
        dropped.add(x);
      }
      dx = layer.dHiddenSequence();
    }
    this.head =
        new SoftmaxHead(
            positions,
            block(parameters, ModelSpec.OUTPUT_WEIGHT),
            block(parameters, ModelSpec.OUTPUT_BIAS),
            training ? block(gradients, ModelSpec.OUTPUT_WEIGHT) : none,
            training ? block(gradients, ModelSpec.OUTPUT_BIAS) : none,
            x,
            dx,
            memory.statistics().dense(arena, 0, positions, SoftmaxHead.STATISTICS),
            memory.head());
    this.statistics = new float[positions * SoftmaxHead.STATISTICS];
    this.logits =
        memory.logits().floats() == 0
            ? none
            : memory.logits().padded(arena, positions, spec.vocabulary());
  }

  /**
   * A model that can be trained.
   *
   * @param momentVectors vectors of the parameters' size that the optimizer keeps
   */
  public static LanguageModel forTraining(
      ModelSpec spec, Kernel kernel, int streams, int window, int momentVectors) {
    ModelMemory memory =
        ModelMemory.plan(spec, kernel, streams, window, true, momentVectors, false);
    return new LanguageModel(spec, kernel, streams, window, memory);
  }

  /** A model that only runs forward, without dropout. */
  public static LanguageModel forEvaluation(
      ModelSpec spec, Kernel kernel, int streams, int window) {
    ModelMemory memory = ModelMemory.plan(spec, kernel, streams, window, false, 0, false);
    return new LanguageModel(spec, kernel, streams, window, memory);
  }

  /** A model of one stream and one step that hands out logits. */
  public static LanguageModel forGeneration(ModelSpec spec, Kernel kernel) {
    ModelMemory memory = ModelMemory.plan(spec, kernel, 1, 1, false, 0, true);
    return new LanguageModel(spec, kernel, 1, 1, memory);
  }

  /** Bytes of the arena that {@link #forTraining} would allocate. */
  public static long trainingBytes(
      ModelSpec spec, Kernel kernel, int streams, int window, int momentVectors) {
    return ModelMemory.plan(spec, kernel, streams, window, true, momentVectors, false)
        .plan()
        .bytes();
  }

  /** Bytes of the arena that {@link #forEvaluation} would allocate. */
  public static long evaluationBytes(ModelSpec spec, Kernel kernel, int streams, int window) {
    return ModelMemory.plan(spec, kernel, streams, window, false, 0, false).plan().bytes();
  }

  @Override
  public Kernel kernel() {
    return kernel;
  }

  @Override
  public ParameterLayout layout() {
    return layout;
  }

  /** All parameters as one row; {@link #pack} after a change. */
  @Override
  public Matrix parameters() {
    return parameters;
  }

  /** All gradients as one row. */
  @Override
  public Matrix gradients() {
    return gradients;
  }

  /** The optimizer's vectors, zero at the start. */
  @Override
  public List<Matrix> moments() {
    return moments;
  }

  /** The embedding table; absent for one-hot input. */
  @Override
  public Matrix embedding() {
    return embedding;
  }

  /** The embedding's gradient; absent for one-hot input. */
  @Override
  public Matrix dEmbedding() {
    return dEmbedding;
  }

  /** Rows of the embedding with a gradient, in the order of their first position. */
  @Override
  public TouchedRows touchedRows() {
    return touchedRows;
  }

  /** Overwrites all parameters and packs them. */
  @Override
  public void setParameters(float[] values) {
    if (values.length != layout.size()) {
      throw new IllegalArgumentException(
          "Cannot use %d parameters in a model of %d".formatted(values.length, layout.size()));
    }
    parameters.write(values, 0);
    pack();
  }

  /** Tells the kernel that parameters have changed. */
  @Override
  public void pack() {
    for (RecurrentLayer layer : layers) {
      kernel.pack(layer);
    }
    kernel.packOutput(head);
  }

  /** Writes the state before the window: layer by layer, each {@code [states, streams, hidden]}. */
  public void readState(float[] target) {
    int from = 0;
    for (RecurrentLayer layer : layers) {
      layer.readState(target, from);
      from += spec.cell().states() * streams * spec.hidden();
    }
  }

  /** Sets the state before the window; see {@link #readState}. */
  public void writeState(float[] source) {
    int from = 0;
    for (RecurrentLayer layer : layers) {
      layer.writeState(source, from);
      from += spec.cell().states() * streams * spec.hidden();
    }
  }

  /** Makes the state after {@code time} steps the state before the next window. */
  public void carryState(int time) {
    for (RecurrentLayer layer : layers) {
      layer.carryState(time);
    }
  }

  /** Runs a window without dropout and computes its losses, which {@link #losses} hands out. */
  public void evaluate(int time, int[] tokens, int[] labels) {
    if (!dropped.isEmpty()) {
      throw new IllegalStateException(
          "Cannot evaluate: the model was made for training with dropout");
    }
    embed(time, tokens);
    for (RecurrentLayer layer : layers) {
      kernel.forward(layer, time, tokens);
    }
    kernel.softmaxLoss(head, time * streams, labels, 1f, false);
  }

  /** Runs one step of one stream and writes the logits of what follows. */
  public void predict(int token, float[] target) {
    int[] tokens = {token};
    embed(1, tokens);
    for (RecurrentLayer layer : layers) {
      kernel.forward(layer, 1, tokens);
    }
    carryState(1);
    kernel.logits(head, 1, logits);
    logits.read(target, 0);
  }

  /** Loss in nats of the first positions of the window that ran last. */
  public void losses(int positions, double[] target) {
    head.losses(positions, statistics, target);
  }

  /**
   * Losses of a window and their gradients by all parameters.
   *
   * @param scale factor of every position's loss in the gradients
   * @param masks which dropout masks to draw
   * @return sum of the losses in nats, unscaled
   */
  public double train(int time, int[] tokens, int[] labels, float scale, Masks masks) {
    forwardWithDropout(time, tokens, masks);
    int positions = time * streams;
    kernel.softmaxLoss(head, positions, labels, scale, true);
    backward(time, tokens, masks);
    return head.lossSum(positions, statistics);
  }

  private void embed(int time, int[] tokens) {
    if (!spec.isOneHot()) {
      kernel.gatherRows(embedding, tokens, time * streams, embedded);
    }
  }

  private void forwardWithDropout(int time, int[] tokens, Masks masks) {
    embed(time, tokens);
    drop(embedded, embedded, time, masks, 0);
    for (int index = 0; index < layers.size(); index++) {
      RecurrentLayer layer = layers.get(index);
      kernel.forward(layer, time, tokens);
      if (!dropped.isEmpty()) {
        drop(layer.output(window), dropped.get(index), time, masks, index + 1);
      }
    }
  }

  private void backward(int time, int[] tokens, Masks masks) {
    for (int index = layers.size() - 1; index >= 0; index--) {
      RecurrentLayer layer = layers.get(index);
      drop(layer.dHiddenSequence(), layer.dHiddenSequence(), time, masks, index + 1);
      layer.dHidden().zero();
      layer.dCell().zero();
      kernel.backward(layer, time, tokens);
    }
    if (!spec.isOneHot()) {
      drop(dEmbedded, dEmbedded, time, masks, 0);
      touchedRows.collect(tokens, time * streams);
      kernel.scatterAddRows(dEmbedded, tokens, time * streams, dEmbedding);
    }
  }

  private void drop(Matrix in, Matrix out, int time, Masks masks, int place) {
    if (spec.dropout() > 0 && !in.isAbsent()) {
      PhiloxKey key = PhiloxKey.dropout(masks.seed, (int) masks.step, masks.replica, place);
      kernel.dropout(in, out, time * streams, spec.dropout(), key);
    }
  }

  /** Sets the embedding's gradient back to zero. */
  @Override
  public void clearTouchedRows() {
    if (!dEmbedding.isAbsent()) {
      kernel.zeroRows(dEmbedding, touchedRows.rows(), touchedRows.count());
    }
  }

  @Override
  public void close() {
    arena.close();
  }

  private Matrix block(Matrix vector, String name) {
    ParameterBlock block = layout.block(name);
    boolean matrix = block.dimensions() == 2;
    int rows = matrix ? block.rows() : 1;
    int columns = matrix ? block.columns() : block.size();
    return new Matrix(arena, vector.offset() + block.offset(), rows, columns, columns);
  }

  private RecurrentParameters recurrent(Matrix vector, int layer) {
    return new RecurrentParameters(
        block(vector, "rnn.weight_ih_l" + layer),
        block(vector, "rnn.weight_hh_l" + layer),
        block(vector, "rnn.bias_ih_l" + layer),
        block(vector, "rnn.bias_hh_l" + layer),
        spec.cell().peepholes() == 0
            ? Matrix.absent(arena)
            : block(vector, "rnn.weight_ph_l" + layer));
  }

  /**
   * The dropout masks of one local step.
   *
   * @param step local step since the start of the run
   */
  public record Masks(long seed, long step, int replica) {}
}
