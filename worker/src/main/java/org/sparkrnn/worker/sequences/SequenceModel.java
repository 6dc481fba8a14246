package org.sparkrnn.worker.sequences;

import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.common.config.TaskConfig.Bidirectional;
import org.sparkrnn.common.config.TaskConfig.Pooling;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.worker.kernel.Arena;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.kernel.RecurrentLayer;
import org.sparkrnn.worker.kernel.SoftmaxHead;
import org.sparkrnn.worker.model.DropoutMasks;
import org.sparkrnn.worker.model.InputStage;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.model.ModelVectors;
import org.sparkrnn.worker.model.ParameterViews;
import org.sparkrnn.worker.model.RecurrentWeightDropout;
import org.sparkrnn.worker.model.TrainableModel;
import org.sparkrnn.worker.model.ZoneoutMasks;

/**
 * A model of sequences on one arena, which it owns: it predicts a class or numbers for each, or a
 * class for each step.
 *
 * <pre>
 *   tokens → embedding → dropout ┐
 *   tokens (one-hot)             ├→ layer 0 → dropout → … → layer L−1 → pooling → dropout → linear
 *   numbers                      ┘                              (tagging: every step)
 * </pre>
 *
 * <p>Every sequence begins with a zero state. Nothing is allocated per time step. Not thread-safe.
 */
public final class SequenceModel implements TrainableModel {
  /** For models that draw none. */
  private static final LanguageModel.Masks NO_MASKS = new LanguageModel.Masks(0, 0, 0);

  private final ModelSpec spec;
  private final Kernel kernel;
  private final Arena arena;
  private final boolean training;
  private final ModelVectors vectors;
  private final DropoutMasks dropout;
  private final InputStage input;
  private final List<SequenceLayer> layers = new ArrayList<>();

  /** One per layer and direction where recurrent weights are dropped; else none. */
  private final List<RecurrentWeightDropout> weightDropouts = new ArrayList<>();

  /** One per layer and direction in training with zoneout; else none. */
  private final List<ZoneoutMasks> zoneouts = new ArrayList<>();

  /** What dropout leaves of each layer's output. */
  private final List<Matrix> dropped = new ArrayList<>();

  private final Matrix features;
  private final Matrix dFeatures;
  private final Matrix targets;
  private final SoftmaxHead head;
  private final Matrix outputs;
  private final float[] statistics;

  private SequenceModel(
      ModelSpec spec, Kernel kernel, int streams, int steps, SequenceMemory memory) {
    this.spec = spec;
    this.kernel = kernel;
    this.training = memory.training();
    this.arena = kernel.allocate(memory.plan());
    int positions = streams * steps;
    this.vectors = memory.vectors().bind(arena);
    this.dropout = new DropoutMasks(spec, kernel, streams);
    this.input = new InputStage(spec, kernel, memory.input(), vectors, dropout);
    ParameterViews weights = vectors.weights();
    ParameterViews dWeights = vectors.dWeights();
    Matrix x = input.output();
    Matrix dx = input.dOutput();
    for (int index = 0; index < spec.layers(); index++) {
      SequenceLayer layer =
          layer(memory.layers().get(index), index, weights, dWeights, x, dx, positions);
      layers.add(layer);
      addMasks(layer, index);
      Matrix place = matrix(memory.layers().get(index).dropped(), positions, spec.output(index));
      dropped.add(place.isAbsent() ? layer.output() : place);
      x = dropped.get(index);
      dx = layer.dOutput();
    }
    int predictions = memory.predictions();
    this.features = matrix(memory.features(), predictions, spec.features());
    this.dFeatures = matrix(memory.dFeatures(), predictions, spec.features());
    this.targets = matrix(memory.targets(), predictions, spec.outputs());
    this.outputs = matrix(memory.outputs(), predictions, spec.outputs());
    this.head =
        new SoftmaxHead(
            predictions,
            weights.block(ModelSpec.OUTPUT_WEIGHT),
            weights.block(ModelSpec.OUTPUT_BIAS),
            dWeights.block(ModelSpec.OUTPUT_WEIGHT),
            dWeights.block(ModelSpec.OUTPUT_BIAS),
            features,
            dFeatures,
            memory.statistics().dense(arena, 0, predictions, SoftmaxHead.STATISTICS),
            memory.head());
    this.statistics = new float[predictions * SoftmaxHead.STATISTICS];
  }

  private SequenceLayer layer(
      SequenceMemory.Layer memory,
      int index,
      ParameterViews weights,
      ParameterViews dWeights,
      Matrix x,
      Matrix dx,
      int positions) {
    int width = spec.inputSize(index);
    List<RecurrentLayer> directions = new ArrayList<>();
    for (int d = 0; d < memory.directions().size(); d++) {
      String name = index + spec.directions().get(d);
      directions.add(
          memory
              .directions()
              .get(d)
              .bind(
                  arena,
                  weights.recurrent(name),
                  dWeights.recurrent(name),
                  d == 0 ? x : matrix(memory.reversedInput(), positions, width),
                  d == 0 ? dx : matrix(memory.dReversedInput(), positions, width)));
    }
    RecurrentLayer first = directions.get(0);
    int joined = spec.task().joined(spec.output(index));
    Matrix output = matrix(memory.output(), positions, joined);
    Matrix dOutput = matrix(memory.dOutput(), positions, joined);
    return new SequenceLayer(
        kernel,
        spec.task().bidirectional() == Bidirectional.SUM,
        spec.isResidual(index),
        directions,
        x,
        dx,
        output.isAbsent() ? first.output(first.time()) : output,
        directions.size() == 1 ? first.dHiddenSequence() : dOutput);
  }

  private void addMasks(SequenceLayer layer, int index) {
    float rate = spec.dropout().recurrentWeights();
    for (int d = 0; training && d < layer.directions().size(); d++) {
      RecurrentLayer direction = layer.directions().get(d);
      if (rate > 0) {
        weightDropouts.add(new RecurrentWeightDropout(kernel, rate, index, d, direction));
      }
      if (spec.dropout().zoneout().isActive()) {
        zoneouts.add(new ZoneoutMasks(kernel, index, d, direction));
      }
    }
  }

  private Matrix matrix(Region region, int rows, int columns) {
    return region.floats() == 0 ? Matrix.absent(arena) : region.padded(arena, rows, columns);
  }

  /**
   * A model that can be trained.
   *
   * @param streams most sequences of a batch
   * @param steps most steps of a sequence
   * @param momentVectors vectors of the parameters' size that the optimizer keeps
   */
  public static SequenceModel forTraining(
      ModelSpec spec, Kernel kernel, int streams, int steps, int momentVectors) {
    return new SequenceModel(
        spec,
        kernel,
        streams,
        steps,
        SequenceMemory.plan(spec, kernel, streams, steps, true, momentVectors));
  }

  /** A model that only runs forward, without dropout. */
  public static SequenceModel forEvaluation(ModelSpec spec, Kernel kernel, int streams, int steps) {
    return new SequenceModel(
        spec, kernel, streams, steps, SequenceMemory.plan(spec, kernel, streams, steps, false, 0));
  }

  /** Bytes of the arena that {@link #forTraining} would allocate. */
  public static long trainingBytes(
      ModelSpec spec, Kernel kernel, int streams, int steps, int momentVectors) {
    return SequenceMemory.plan(spec, kernel, streams, steps, true, momentVectors).plan().bytes();
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
    if (weightDropouts.isEmpty()) { // else each step packs what it keeps of the weights
      layers.forEach(SequenceLayer::pack);
    }
    kernel.packOutput(head);
  }

  /**
   * Losses of a batch and their gradients by all parameters.
   *
   * @param scale factor of every prediction's loss in the gradients
   * @return sum of the losses, unscaled: nats, or squared errors meaned over the outputs
   */
  public double train(SequenceBatch batch, float scale, LanguageModel.Masks masks) {
    for (ZoneoutMasks zoneout : zoneouts) {
      zoneout.draw(batch.time(), masks);
    }
    for (RecurrentWeightDropout weights : weightDropouts) {
      weights.pack(masks);
    }
    forward(batch, masks);
    loss(batch, scale, true);
    backward(batch, masks);
    for (RecurrentWeightDropout weights : weightDropouts) {
      weights.backward(masks);
    }
    return spec.task().task() == Task.REGRESSION
        ? head.squaredErrorSum(batch.predictions(), statistics)
        : head.lossSum(batch.predictions(), statistics);
  }

  /** Runs a batch, whose outputs {@link #outputs} hands out. */
  public void predict(SequenceBatch batch) {
    if (training) {
      throw new IllegalStateException("Cannot predict: the model was made for training");
    }
    forward(batch, NO_MASKS);
    kernel.logits(head, batch.predictions(), outputs);
  }

  /** Runs a batch and computes its losses, which {@link #losses} hands out, and its outputs. */
  public void evaluate(SequenceBatch batch) {
    predict(batch);
    loss(batch, 1f, false);
  }

  /**
   * Losses of the first predictions of the batch that ran last: nats, or the mean over the outputs
   * of their squared errors.
   */
  public void losses(int predictions, double[] target) {
    if (spec.task().task() == Task.REGRESSION) {
      head.squaredErrors(predictions, statistics, target);
    } else {
      head.losses(predictions, statistics, target);
    }
  }

  /** {@code [predictions, outputs]} of the batch that ran last: logits, or numbers. */
  public void outputs(int predictions, float[] target) {
    outputs.rows(0, predictions).read(target, 0);
  }

  private void loss(SequenceBatch batch, float scale, boolean withGradients) {
    int count = batch.predictions();
    if (spec.task().task() == Task.REGRESSION) {
      targets.rows(0, count).write(batch.targets(), 0);
      kernel.squaredLoss(head, count, targets, 2f * scale / spec.outputs(), withGradients);
    } else {
      kernel.softmaxLoss(head, count, batch.classes(), scale, withGradients);
    }
  }

  private void forward(SequenceBatch batch, LanguageModel.Masks masks) {
    if (spec.task().dense()) {
      input.output().rows(0, rows(batch)).write(batch.values(), 0);
    } else if (training) {
      input.forwardWithDropout(batch.time(), rows(batch), batch.tokens(), masks);
    } else {
      input.forward(rows(batch), batch.tokens());
    }
    int last = layers.size() - 1;
    for (int index = 0; index < last; index++) {
      layers.get(index).run(batch);
      joinAndDrop(index, batch, masks);
    }
    layers.get(last).run(batch);
    computeFeatures(batch, masks);
  }

  private void joinAndDrop(int index, SequenceBatch batch, LanguageModel.Masks masks) {
    SequenceLayer layer = layers.get(index);
    layer.join(batch);
    if (training) {
      dropout.apply(layer.output(), dropped.get(index), batch.time(), masks, index + 1);
    }
  }

  private void computeFeatures(SequenceBatch batch, LanguageModel.Masks masks) {
    int last = layers.size() - 1;
    SequenceLayer top = layers.get(last);
    int count = batch.predictions();
    if (isTagging()) {
      joinAndDrop(last, batch, masks);
      int[] rows = batch.featureRows();
      kernel.moveRows(dropped.get(last), 0, rows, count, features, 0, spec.features(), false);
      return;
    }
    if (spec.task().pooling() == Pooling.LAST) {
      top.lastStates(batch, features);
    } else {
      top.join(batch);
      kernel.pool(top.output(), batch.lengths(), isMaximum(), features);
    }
    if (training) {
      dropout.applyToRows(features, features, count, masks, last + 1);
    }
  }

  private void backward(SequenceBatch batch, LanguageModel.Masks masks) {
    int last = layers.size() - 1;
    SequenceLayer top = layers.get(last);
    if (!isTagging()) {
      dropout.applyToRows(dFeatures, dFeatures, batch.predictions(), masks, last + 1);
    }
    if (!isTagging() && spec.task().pooling() == Pooling.LAST) {
      top.lastStateGradients(batch, dFeatures);
      top.backward(batch);
      top.addLastInputGradients(batch, dFeatures);
    } else {
      stepGradients(batch);
      backward(last, batch, masks);
    }
    for (int index = last - 1; index >= 0; index--) {
      backward(index, batch, masks);
    }
    if (!spec.task().dense()) {
      input.backward(batch.time(), rows(batch), batch.tokens(), masks);
    }
  }

  private void backward(int index, SequenceBatch batch, LanguageModel.Masks masks) {
    SequenceLayer layer = layers.get(index);
    if (index < layers.size() - 1 || isTagging()) {
      dropout.apply(layer.dOutput(), layer.dOutput(), batch.time(), masks, index + 1);
    }
    layer.split(batch);
    layer.backward(batch);
    layer.addInputGradients(batch);
  }

  /** From the gradient by the features to that by the last layer's outputs of all steps. */
  private void stepGradients(SequenceBatch batch) {
    SequenceLayer top = layers.get(layers.size() - 1);
    if (isTagging()) {
      int[] rows = batch.featureOf();
      kernel.moveRows(dFeatures, 0, rows, rows(batch), top.dOutput(), 0, spec.features(), false);
      return;
    }
    Matrix undropped = features; // what was pooled, before dropout
    if (isMaximum() && dropout.drops(layers.size())) {
      kernel.pool(top.output(), batch.lengths(), true, undropped);
    }
    kernel.poolGradient(
        top.output(),
        batch.time(),
        batch.lengths(),
        isMaximum(),
        undropped,
        dFeatures,
        top.dOutput());
  }

  private boolean isTagging() {
    return spec.task().task() == Task.TAGGING;
  }

  private boolean isMaximum() {
    return spec.task().pooling() == Pooling.MAX;
  }

  private static int rows(SequenceBatch batch) {
    return batch.time() * batch.streams();
  }

  @Override
  public void close() {
    arena.close();
  }
}
