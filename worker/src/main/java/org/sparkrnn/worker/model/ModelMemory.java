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
 * @param moments each of the parameters' size
 * @param outputs what leaves each layer; empty where that is its hidden state itself
 */
record ModelMemory(
    ArenaPlan plan,
    boolean training,
    Region parameters,
    Region gradients,
    List<Region> moments,
    Region embedded,
    Region dEmbedded,
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
    int size = spec.layout().size();
    boolean oneHot = spec.isOneHot();
    ArenaPlan plan = new ArenaPlan();
    Region parameters = plan.region("parameters", size);
    Region gradients = plan.region("gradients", training ? size : 0);
    List<Region> moments = new ArrayList<>();
    for (int i = 0; i < momentVectors; i++) {
      moments.add(plan.region("moments" + i, size));
    }
    int embeddedRows = oneHot ? 0 : positions;
    Region embedded = plan.padded("embedded", embeddedRows, spec.embedding());
    Region dEmbedded =
        plan.padded(
            "dEmbedded", training && !spec.frozenEmbedding() ? embeddedRows : 0, spec.embedding());
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
              oneHot && layer == 0,
              spec.normalised(),
              training,
              spec.dropout().zoneout());
      layers.add(RecurrentLayer.plan(plan, kernel, "layer" + layer, shape));
      boolean changed = spec.isResidual(layer) || (training && spec.dropoutRate(layer + 1) > 0);
      outputs.add(plan.padded("output" + layer, changed ? positions : 0, spec.output(layer)));
    }
    OutputMemory output = OutputMemory.plan(plan, spec, kernel, positions, training, withLogits);
    return new ModelMemory(
        plan,
        training,
        parameters,
        gradients,
        moments,
        embedded,
        dEmbedded,
        layers,
        outputs,
        output);
  }
}
