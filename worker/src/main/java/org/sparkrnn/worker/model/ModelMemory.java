package org.sparkrnn.worker.model;

import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.worker.kernel.ArenaPlan;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.LayerShape;
import org.sparkrnn.worker.kernel.RecurrentLayer;

/**
 * The regions of a model's arena, planned before it is allocated.
 *
 * @param outputs what leaves each layer; empty where that is its hidden state itself
 */
record ModelMemory(
    ArenaPlan plan,
    boolean training,
    ModelVectors.Plan vectors,
    InputStage.Plan input,
    List<RecurrentLayer.Plan> layers,
    List<Region> outputs,
    OutputMemory output) {

  static ModelMemory plan(
      ModelSpec spec,
      Kernel kernel,
      int streams,
      int window,
      boolean training,
      int momentVectors,
      boolean withLogits) {
    int positions = Math.multiplyExact(streams, window);
    ArenaPlan plan = new ArenaPlan();
    ModelVectors.Plan vectors = ModelVectors.plan(plan, spec, training, momentVectors);
    InputStage.Plan input = InputStage.plan(plan, spec, positions, training);
    List<RecurrentLayer.Plan> layers = new ArrayList<>();
    List<Region> outputs = new ArrayList<>();
    for (int layer = 0; layer < spec.layers(); layer++) {
      LayerShape shape =
          new LayerShape(
              spec.cell(),
              window,
              streams,
              spec.inputSize(layer),
              spec.hidden(layer),
              spec.output(layer),
              spec.isOneHot() && layer == 0,
              spec.normalised(),
              training,
              spec.dropout().zoneout());
      layers.add(RecurrentLayer.plan(plan, kernel, "layer" + layer, shape));
      boolean changed = spec.isResidual(layer) || (training && spec.dropoutRate(layer + 1) > 0);
      outputs.add(plan.padded("output" + layer, changed ? positions : 0, spec.output(layer)));
    }
    OutputMemory output = OutputMemory.plan(plan, spec, kernel, positions, training, withLogits);
    return new ModelMemory(plan, training, vectors, input, layers, outputs, output);
  }
}
