package org.sparkrnn.worker.sequences;

import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.worker.kernel.ArenaPlan;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.LayerShape;
import org.sparkrnn.worker.kernel.RecurrentLayer;
import org.sparkrnn.worker.kernel.SoftmaxHead;
import org.sparkrnn.worker.model.InputStage;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.model.ModelVectors;

/**
 * The regions of the arena of a model of sequences, planned before it is allocated.
 *
 * @param features most rows that predictions are made from
 */
record SequenceMemory(
    ArenaPlan plan,
    boolean training,
    ModelVectors.Plan vectors,
    InputStage.Plan input,
    List<Layer> layers,
    int predictions,
    Region features,
    Region dFeatures,
    Region targets,
    Region statistics,
    Region head,
    Region outputs) {

  /**
   * The regions of one layer.
   *
   * @param directions one, or two: forwards and backwards
   * @param reversedInput what the second direction reads; empty where that is tokens
   * @param output what leaves the layer; empty where that is the only direction's hidden state
   * @param dOutput gradient by it; empty where that is the only direction's
   * @param dropped what dropout leaves of a hidden state
   */
  record Layer(
      List<RecurrentLayer.Plan> directions,
      Region reversedInput,
      Region dReversedInput,
      Region output,
      Region dOutput,
      Region dropped) {}

  static SequenceMemory plan(
      ModelSpec spec, Kernel kernel, int streams, int steps, boolean training, int momentVectors) {
    int positions = Math.multiplyExact(streams, steps);
    ArenaPlan plan = new ArenaPlan();
    ModelVectors.Plan vectors = ModelVectors.plan(plan, spec, training, momentVectors);
    InputStage.Plan input = InputStage.plan(plan, spec, positions, training);
    List<Layer> layers = new ArrayList<>();
    for (int layer = 0; layer < spec.layers(); layer++) {
      layers.add(layer(plan, spec, kernel, streams, steps, training, layer));
    }
    int predictions = spec.task().task() == Task.TAGGING ? positions : streams;
    boolean regression = spec.task().task() == Task.REGRESSION;
    return new SequenceMemory(
        plan,
        training,
        vectors,
        input,
        layers,
        predictions,
        plan.padded("features", predictions, spec.features()),
        plan.padded("dFeatures", training ? predictions : 0, spec.features()),
        plan.padded("targets", regression ? predictions : 0, spec.outputs()),
        plan.region("statistics", (long) predictions * SoftmaxHead.STATISTICS),
        plan.region(
            "head", kernel.softmaxFloats(predictions, spec.features(), spec.outputs(), training)),
        plan.padded("outputs", training ? 0 : predictions, spec.outputs()));
  }

  private static Layer layer(
      ArenaPlan plan,
      ModelSpec spec,
      Kernel kernel,
      int streams,
      int steps,
      boolean training,
      int layer) {
    int positions = streams * steps;
    int width = spec.inputSize(layer);
    int joined = spec.task().joined(spec.output(layer));
    boolean tokens = layer == 0 && spec.isOneHot();
    boolean learns = spec.embedding() > 0 && !spec.frozenEmbedding();
    boolean needsInputGradient = training && (layer > 0 || learns);
    boolean two = spec.task().isBidirectional();
    boolean changed = two || spec.isResidual(layer);
    boolean ofSteps = layer < spec.layers() - 1 || spec.task().task() == Task.TAGGING;
    boolean drops = training && ofSteps && spec.dropoutRate(layer + 1) > 0;
    LayerShape shape =
        new LayerShape(
            spec.cell(),
            steps,
            streams,
            width,
            spec.hidden(layer),
            spec.output(layer),
            tokens,
            spec.normalised(),
            training,
            spec.dropout().zoneout());
    List<RecurrentLayer.Plan> directions = new ArrayList<>();
    for (String direction : spec.directions()) {
      directions.add(RecurrentLayer.plan(plan, kernel, "layer" + layer + direction, shape));
    }
    String name = "layer" + layer;
    return new Layer(
        directions,
        plan.padded(name + ".reversed", two && !tokens ? positions : 0, width),
        plan.padded(name + ".dReversed", two && needsInputGradient ? positions : 0, width),
        plan.padded(name + ".output", changed ? positions : 0, joined),
        plan.padded(name + ".dOutput", two && training ? positions : 0, joined),
        plan.padded(name + ".dropped", drops && !changed ? positions : 0, joined));
  }
}
