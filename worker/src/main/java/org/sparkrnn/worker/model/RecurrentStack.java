package org.sparkrnn.worker.model;

import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.worker.kernel.Arena;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.kernel.RecurrentLayer;
import org.sparkrnn.worker.model.LanguageModel.Masks;

/**
 * The recurrent layers, one above the other. The output of a layer is its hidden state, plus its
 * input where it is residual, less what dropout takes.
 */
final class RecurrentStack {
  private final ModelSpec spec;
  private final Kernel kernel;
  private final Arena arena;
  private final DropoutMasks dropout;
  private final int streams;
  private final int window;
  private final Matrix none;
  private final List<RecurrentLayer> layers = new ArrayList<>();

  /** One per layer where recurrent weights are dropped; else none. */
  private final List<RecurrentWeightDropout> weightDropouts = new ArrayList<>();

  /** One per layer in training with zoneout; else none. */
  private final List<ZoneoutMasks> zoneouts = new ArrayList<>();

  /** What leaves each layer; absent where that is its hidden state itself. */
  private final List<Matrix> outputs = new ArrayList<>();

  RecurrentStack(
      ModelSpec spec,
      Kernel kernel,
      ModelMemory memory,
      ModelVectors vectors,
      DropoutMasks dropout,
      InputStage input,
      int streams,
      int window) {
    this.spec = spec;
    this.kernel = kernel;
    this.arena = vectors.parameters().arena();
    this.dropout = dropout;
    this.streams = streams;
    this.window = window;
    this.none = Matrix.absent(arena);
    Matrix x = input.output();
    Matrix dx = input.dOutput();
    for (int index = 0; index < spec.layers(); index++) {
      RecurrentLayer layer =
          memory
              .layers()
              .get(index)
              .bind(
                  arena,
                  vectors.weights().recurrent("" + index),
                  vectors.dWeights().recurrent("" + index),
                  x,
                  dx);
      layers.add(layer);
      if (memory.training() && spec.dropout().zoneout().isActive()) {
        zoneouts.add(new ZoneoutMasks(kernel, index, 0, layer));
      }
      float weightRate = memory.training() ? spec.dropout().recurrentWeights() : 0;
      if (weightRate > 0) {
        weightDropouts.add(new RecurrentWeightDropout(kernel, weightRate, index, 0, layer));
      }
      outputs.add(
          memory.outputs().get(index).floats() == 0
              ? none
              : memory.outputs().get(index).padded(arena, streams * window, spec.output(index)));
      x = outputOf(index);
      dx = layer.dHiddenSequence();
    }
  }

  /** What leaves the last layer: {@code [positions, units]}. */
  Matrix output() {
    return outputOf(layers.size() - 1);
  }

  Matrix dOutput() {
    return layers.get(layers.size() - 1).dHiddenSequence();
  }

  private Matrix outputOf(int index) {
    Matrix own = outputs.get(index);
    return own.isAbsent() ? layers.get(index).output(window) : own;
  }

  /** Packs the weights; where they are dropped, each step packs what it keeps of them instead. */
  void pack() {
    if (weightDropouts.isEmpty()) {
      for (RecurrentLayer layer : layers) {
        kernel.pack(layer);
      }
    }
  }

  void forward(int time, int[] tokens) {
    for (int index = 0; index < layers.size(); index++) {
      kernel.forward(layers.get(index), time, tokens);
      addInput(index, time);
    }
  }

  void forwardWithDropout(int time, int[] tokens, Masks masks) {
    for (int index = 0; index < layers.size(); index++) {
      if (!zoneouts.isEmpty()) {
        zoneouts.get(index).draw(time, masks);
      }
      if (!weightDropouts.isEmpty()) {
        weightDropouts.get(index).pack(masks);
      }
      RecurrentLayer layer = layers.get(index);
      kernel.forward(layer, time, tokens);
      Matrix output = addInput(index, time) ? outputs.get(index) : layer.output(window);
      dropout.apply(output, outputOf(index), time, masks, index + 1);
    }
  }

  private boolean addInput(int index, int time) {
    if (spec.isResidual(index)) {
      RecurrentLayer layer = layers.get(index);
      Matrix output = outputs.get(index);
      copy(layer.output(window), output, time);
      kernel.addDifference(layer.x(), none, time * streams, 1f, output);
    }
    return spec.isResidual(index);
  }

  /**
   * From the gradient by {@link #output} to those by the parameters and by the input.
   *
   * @param scale factor of every position's loss in the gradients
   */
  void backward(int time, int[] tokens, float scale, ActivationPenalties penalties, Masks masks) {
    int top = layers.size() - 1;
    int positions = time * streams;
    if (penalties.activation() > 0) {
      float factor = penalties.activationFactor(scale, spec.outputSize());
      kernel.addDifference(output(), none, positions, factor, dOutput());
    }
    for (int index = top; index >= 0; index--) {
      RecurrentLayer layer = layers.get(index);
      Matrix dHidden = layer.dHiddenSequence();
      dropout.apply(dHidden, dHidden, time, masks, index + 1);
      Matrix dSum = dHidden;
      if (index == top && penalties.temporal() > 0) {
        if (spec.isResidual(index)) { // its output is no longer needed, what goes by it is
          dSum = outputs.get(index);
          copy(dHidden, dSum, time);
        }
        addTemporalPenalty(layer, time, penalties.temporalFactor(scale, time, spec.outputSize()));
      }
      layer.dHidden().zero();
      layer.dCell().zero();
      kernel.backward(layer, time, tokens);
      if (!weightDropouts.isEmpty()) {
        weightDropouts.get(index).backward(masks);
      }
      if (spec.isResidual(index)) {
        kernel.addDifference(dSum, none, positions, 1f, layer.dx());
      }
    }
  }

  /** Step t has moved from step t − 1 and step t + 1 from it. */
  private void addTemporalPenalty(RecurrentLayer layer, int time, float factor) {
    Matrix hidden = layer.output(window);
    Matrix dHidden = layer.dHiddenSequence();
    int rows = (time - 1) * streams;
    Matrix later = hidden.rows(streams, hidden.rows() - streams);
    Matrix dLater = dHidden.rows(streams, dHidden.rows() - streams);
    if (rows > 0) {
      kernel.addDifference(later, hidden, rows, factor, dLater);
      kernel.addDifference(hidden, later, rows, factor, dHidden);
    }
  }

  private void copy(Matrix from, Matrix to, int time) {
    arena.copy(from.offset(), to.offset(), (long) time * streams * to.stride());
  }

  void readState(float[] target) {
    int from = 0;
    for (int index = 0; index < layers.size(); index++) {
      layers.get(index).readState(target, from);
      from += spec.stateFloats(index, streams);
    }
  }

  void writeState(float[] source) {
    int from = 0;
    for (int index = 0; index < layers.size(); index++) {
      layers.get(index).writeState(source, from);
      from += spec.stateFloats(index, streams);
    }
  }

  void carryState(int time) {
    for (RecurrentLayer layer : layers) {
      layer.carryState(time);
    }
  }
}
