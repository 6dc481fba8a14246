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
import org.sparkrnn.worker.model.ModelSpec;

/**
 * The regions of the arena of a model of sequences, planned before it is allocated.
 *
 * @param moments each of the parameters' size
 * @param input rows of the embedding or numbers; empty for one-hot input
 * @param features most rows that predictions are made from
 */
record SequenceMemory(
    ArenaPlan plan,
    boolean training,
    Region parameters,
    Region gradients,
    List<Region> moments,
    Region input,
    Region dInput,
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
   * @param joined both directions' outputs; empty if there is one
   * @param dropped what dropout leaves of the only direction's output
   */
  record Layer(
      List<RecurrentLayer.Plan> directions,
      Region reversedInput,
      Region dReversedInput,
      Region joined,
      Region dJoined,
      Region dropped) {}

  static SequenceMemory plan(
      ModelSpec spec, Kernel kernel, int streams, int steps, boolean training, int momentVectors) {
    int positions = Math.multiplyExact(streams, steps);
    int size = spec.layout().size();
    ArenaPlan plan = new ArenaPlan();
    Region parameters = plan.region("parameters", size);
    Region gradients = plan.region("gradients", training ? size : 0);
    List<Region> moments = new ArrayList<>();
    for (int i = 0; i < momentVectors; i++) {
      moments.add(plan.region("moments" + i, size));
    }
    int inputRows = spec.isOneHot() ? 0 : positions;
    int dInputRows = training && spec.embedding() > 0 ? positions : 0;
    Region input = plan.padded("input", inputRows, spec.inputSize(0));
    Region dInput = plan.padded("dInput", dInputRows, spec.inputSize(0));
    List<Layer> layers = new ArrayList<>();
    for (int layer = 0; layer < spec.layers(); layer++) {
      layers.add(layer(plan, spec, kernel, streams, steps, training, layer));
    }
    int predictions = spec.task().task() == Task.TAGGING ? positions : streams;
    boolean regression = spec.task().task() == Task.REGRESSION;
    return new SequenceMemory(
        plan,
        training,
        parameters,
        gradients,
        moments,
        input,
        dInput,
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
    boolean tokens = layer == 0 && spec.isOneHot();
    boolean needsInputGradient = training && (layer > 0 || spec.embedding() > 0);
    boolean two = spec.task().isBidirectional();
    boolean drops = training && spec.dropout().hidden() > 0 && layer < spec.layers() - 1 && !two;
    List<RecurrentLayer.Plan> directions = new ArrayList<>();
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
    for (String direction : spec.directions()) {
      directions.add(RecurrentLayer.plan(plan, kernel, "layer" + layer + direction, shape));
    }
    String name = "layer" + layer;
    return new Layer(
        directions,
        plan.padded(name + ".reversed", two && !tokens ? positions : 0, width),
        plan.padded(name + ".dReversed", two && needsInputGradient ? positions : 0, width),
        plan.padded(name + ".joined", two ? positions : 0, spec.features()),
        plan.padded(name + ".dJoined", two && training ? positions : 0, spec.features()),
        plan.padded(name + ".dropped", drops ? positions : 0, spec.output(layer)));
  }
}
