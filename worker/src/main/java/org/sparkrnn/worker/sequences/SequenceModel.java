package org.sparkrnn.worker.sequences;

import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.common.config.TaskConfig.Bidirectional;
import org.sparkrnn.common.config.TaskConfig.Pooling;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.kernel.Arena;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.kernel.RecurrentLayer;
import org.sparkrnn.worker.kernel.SoftmaxHead;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.model.ParameterViews;
import org.sparkrnn.worker.model.RecurrentWeightDropout;
import org.sparkrnn.worker.model.TouchedRows;
import org.sparkrnn.worker.model.TrainableModel;
import org.sparkrnn.worker.model.ZoneoutMasks;
import org.sparkrnn.worker.random.PhiloxKey;

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
  private final ModelSpec spec;
  private final Kernel kernel;
  private final ParameterLayout layout;
  private final Arena arena;
  private final boolean training;
  private final Matrix parameters;
  private final Matrix gradients;
  private final List<Matrix> moments = new ArrayList<>();
  private final Matrix embedding;
  private final Matrix dEmbedding;
  private final Matrix input;
  private final Matrix dInput;
  private final List<SequenceLayer> layers = new ArrayList<>();

  /** One per layer and direction where recurrent weights are dropped; else none. */
  private final List<RecurrentWeightDropout> weightDropouts = new ArrayList<>();

  /** One per layer and direction in training with zoneout; else none. */
  private final List<ZoneoutMasks> zoneouts = new ArrayList<>();

  /** What dropout leaves of each layer's output but the last one's, where it needs a place. */
  private final List<Matrix> dropped = new ArrayList<>();

  private final Matrix features;
  private final Matrix dFeatures;
  private final Matrix targets;
  private final SoftmaxHead head;
  private final Matrix outputs;
  private final TouchedRows touchedRows;
  private final float[] statistics;

  private SequenceModel(
      ModelSpec spec, Kernel kernel, int streams, int steps, SequenceMemory memory) {
    this.spec = spec;
    this.kernel = kernel;
    this.layout = spec.layout();
    this.training = memory.training();
    this.arena = kernel.allocate(memory.plan());
    int positions = streams * steps;
    boolean embedded = spec.embedding() > 0;
    Matrix none = Matrix.absent(arena);
    this.parameters = memory.parameters().dense(arena, 0, 1, layout.size());
    this.gradients = training ? memory.gradients().dense(arena, 0, 1, layout.size()) : none;
    for (Region region : memory.moments()) {
      moments.add(region.dense(arena, 0, 1, layout.size()));
    }
    ParameterViews weights = new ParameterViews(arena, layout, parameters);
    ParameterViews dWeights = new ParameterViews(arena, layout, gradients);
    this.embedding = embedded ? weights.block(ModelSpec.EMBEDDING_WEIGHT) : none;
    this.dEmbedding = embedded ? dWeights.block(ModelSpec.EMBEDDING_WEIGHT) : none;
    this.touchedRows = new TouchedRows(embedded && training ? spec.vocabulary() : 0, positions);
    this.input = matrix(memory.input(), positions, spec.inputSize(0));
    this.dInput = matrix(memory.dInput(), positions, spec.inputSize(0));
    Matrix x = input;
    Matrix dx = dInput;
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
    boolean two = directions.size() == 2;
    return new SequenceLayer(
        kernel,
        spec.task().bidirectional() == Bidirectional.SUM,
        directions,
        x,
        dx,
        two ? matrix(memory.joined(), positions, spec.features()) : first.output(first.time()),
        two ? matrix(memory.dJoined(), positions, spec.features()) : first.dHiddenSequence());
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
  public ParameterLayout layout() {
    return layout;
  }

  @Override
  public Matrix parameters() {
    return parameters;
  }

  @Override
  public Matrix gradients() {
    return gradients;
  }

  @Override
  public List<Matrix> moments() {
    return moments;
  }

  @Override
  public boolean hasSparseEmbedding() {
    return spec.hasSparseEmbedding();
  }

  @Override
  public boolean hasFrozenEmbedding() {
    return false;
  }

  @Override
  public Matrix embedding() {
    return embedding;
  }

  @Override
  public Matrix dEmbedding() {
    return dEmbedding;
  }

  @Override
  public TouchedRows touchedRows() {
    return touchedRows;
  }

  @Override
  public void setParameters(float[] values) {
    if (values.length != layout.size()) {
      throw new IllegalArgumentException(
          "Cannot use %d parameters in a model of %d".formatted(values.length, layout.size()));
    }
    parameters.write(values, 0);
    pack();
  }

  @Override
  public void pack() {
    if (weightDropouts.isEmpty()) { // else each step packs what it keeps of the weights
      layers.forEach(SequenceLayer::pack);
    }
    kernel.packOutput(head);
  }

  @Override
  public void clearTouchedRows() {
    if (!dEmbedding.isAbsent()) {
      kernel.zeroRows(dEmbedding, touchedRows.rows(), touchedRows.count());
    }
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
    forward(batch, new LanguageModel.Masks(0, 0, 0));
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
    int rows = rows(batch);
    if (spec.task().dense()) {
      input.rows(0, rows).write(batch.values(), 0);
    } else if (!input.isAbsent()) {
      kernel.gatherRows(embedding, batch.tokens(), rows, input);
      drop(input, input, rows, masks, 0);
    }
    int last = layers.size() - 1;
    for (int index = 0; index < last; index++) {
      SequenceLayer layer = layers.get(index);
      layer.run(batch);
      layer.join(batch);
      drop(layer.output(), dropped.get(index), rows, masks, index + 1);
    }
    layers.get(last).run(batch);
    computeFeatures(layers.get(last), batch);
    drop(features, features, batch.predictions(), masks, last + 1);
  }

  private void computeFeatures(SequenceLayer top, SequenceBatch batch) {
    if (isTagging()) {
      top.join(batch);
      kernel.moveRows(
          top.output(),
          0,
          batch.featureRows(),
          batch.predictions(),
          features,
          0,
          spec.features(),
          false);
    } else if (spec.task().pooling() == Pooling.LAST) {
      top.lastStates(batch, features);
    } else {
      top.join(batch);
      kernel.pool(top.output(), batch.lengths(), isMaximum(), features);
    }
  }

  private void backward(SequenceBatch batch, LanguageModel.Masks masks) {
    int last = layers.size() - 1;
    drop(dFeatures, dFeatures, batch.predictions(), masks, last + 1);
    featureGradients(layers.get(last), batch);
    layers.get(last).backward(batch);
    for (int index = last - 1; index >= 0; index--) {
      SequenceLayer layer = layers.get(index);
      drop(layer.dOutput(), layer.dOutput(), rows(batch), masks, index + 1);
      layer.split(batch);
      layer.backward(batch);
    }
    if (!dEmbedding.isAbsent()) {
      drop(dInput, dInput, rows(batch), masks, 0);
      touchedRows.collect(batch.tokens(), rows(batch));
      kernel.scatterAddRows(dInput, batch.tokens(), rows(batch), dEmbedding);
    }
  }

  private void featureGradients(SequenceLayer top, SequenceBatch batch) {
    if (isTagging()) {
      kernel.moveRows(
          dFeatures, 0, batch.featureOf(), rows(batch), top.dOutput(), 0, spec.features(), false);
      top.split(batch);
    } else if (spec.task().pooling() == Pooling.LAST) {
      top.lastStateGradients(batch, dFeatures);
    } else {
      Matrix undropped = features; // what was pooled, before dropout
      if (spec.dropout().hidden() > 0 && isMaximum()) {
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
      top.split(batch);
    }
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

  private void drop(Matrix in, Matrix out, int rows, LanguageModel.Masks masks, int place) {
    if (training && spec.dropout().hidden() > 0) {
      PhiloxKey key = PhiloxKey.dropout(masks.seed(), (int) masks.step(), masks.replica(), place);
      kernel.dropout(in, out, rows, rows, spec.dropout().hidden(), key);
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
