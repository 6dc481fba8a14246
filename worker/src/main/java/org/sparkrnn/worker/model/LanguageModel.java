package org.sparkrnn.worker.model;

import org.sparkrnn.worker.kernel.Arena;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;

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
 * <p>The gradient of a sparse embedding, one that is not the output's weight matrix too, is zero
 * but for the rows of the window's tokens, which {@link #touchedRows} lists, so that a step need
 * not visit the others; {@link #clearTouchedRows} after the update restores that. Nothing is
 * allocated per time step. Not thread-safe.
 */
public final class LanguageModel implements TrainableModel {
  private final ModelSpec spec;
  private final Kernel kernel;
  private final int streams;
  private final boolean onlyTrains;
  private final Arena arena;
  private final ModelVectors vectors;
  private final InputStage input;
  private final RecurrentStack layers;
  private final OutputLayer output;

  private LanguageModel(
      ModelSpec spec, Kernel kernel, int streams, int window, ModelMemory memory) {
    this.spec = spec;
    this.kernel = kernel;
    this.streams = streams;
    this.onlyTrains =
        memory.training() && (spec.dropout().isActive() || spec.softmax().isSampled());
    this.arena = kernel.allocate(memory.plan());
    this.vectors = memory.vectors().bind(arena);
    DropoutMasks dropout = new DropoutMasks(spec, kernel, streams);
    this.input = new InputStage(spec, kernel, memory.input(), vectors, dropout);
    this.layers =
        new RecurrentStack(spec, kernel, memory, vectors, dropout, input, streams, window);
    this.output = output(memory, streams * window);
  }

  private OutputLayer output(ModelMemory memory, int positions) {
    ParameterViews weights = vectors.weights();
    ParameterViews dWeights = vectors.dWeights();
    Matrix states = layers.output();
    Matrix dStates = layers.dOutput();
    OutputMemory regions = memory.output();
    if (spec.softmax().isAdaptive()) {
      return new AdaptiveSoftmax(
          spec, kernel, arena, regions, weights, dWeights, states, dStates, positions);
    }
    if (spec.softmax().isSampled() && memory.training()) {
      return new SampledSoftmax(
          spec, kernel, arena, regions, weights, dWeights, states, dStates, positions);
    }
    return new FullSoftmax(
        spec, kernel, arena, regions, weights, dWeights, states, dStates, positions);
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
  public ModelSpec spec() {
    return spec;
  }

  @Override
  public ModelVectors vectors() {
    return vectors;
  }

  @Override
  public InputStage input() {
    return input;
  }

  @Override
  public void pack() {
    layers.pack();
    output.pack();
  }

  /** Writes the state before the window: layer by layer the hidden and the cell state. */
  public void readState(float[] target) {
    layers.readState(target);
  }

  /** Sets the state before the window; see {@link #readState}. */
  public void writeState(float[] source) {
    layers.writeState(source);
  }

  /** Makes the state after {@code time} steps the state before the next window. */
  public void carryState(int time) {
    layers.carryState(time);
  }

  /** Runs a window without dropout and computes its losses, which {@link #losses} hands out. */
  public void evaluate(int time, int[] tokens, int[] labels) {
    if (onlyTrains) {
      throw new IllegalStateException(
          "Cannot evaluate: the model was made for training with dropout or a sampled softmax");
    }
    forward(time, tokens);
    output.evaluate(time * streams, labels);
  }

  /** Runs one step of one stream and writes the logits of what follows. */
  public void predict(int token, float[] target) {
    int[] tokens = {token};
    forward(1, tokens);
    carryState(1);
    output.logits(target);
  }

  private void forward(int time, int[] tokens) {
    input.forward(time * streams, tokens);
    layers.forward(time, tokens);
  }

  /** Loss in nats of the first positions of the window that ran last. */
  public void losses(int positions, double[] target) {
    output.losses(positions, target);
  }

  /** {@link #train(int, int[], int[], float, ActivationPenalties, Masks)} without penalties. */
  public double train(int time, int[] tokens, int[] labels, float scale, Masks masks) {
    return train(time, tokens, labels, scale, ActivationPenalties.NONE, masks);
  }

  /**
   * Losses of a window, and the gradients of them and of the penalties by all parameters.
   *
   * @param scale factor of every position's loss in the gradients
   * @param masks which dropout masks to draw
   * @return sum of the losses in nats, unscaled and without penalties
   */
  public double train(
      int time,
      int[] tokens,
      int[] labels,
      float scale,
      ActivationPenalties penalties,
      Masks masks) {
    int positions = time * streams;
    input.forwardWithDropout(time, positions, tokens, masks);
    layers.forwardWithDropout(time, tokens, masks);
    output.train(positions, labels, scale, masks);
    layers.backward(time, tokens, scale, penalties, masks);
    input.backward(time, positions, tokens, masks);
    return output.lossSum(positions);
  }

  @Override
  public void close() {
    arena.close();
  }

  /**
   * What is drawn at random in one local step.
   *
   * @param step local step since the start of the run
   */
  public record Masks(long seed, long step, int replica) {}
}
