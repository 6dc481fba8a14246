package org.sparkrnn.worker.kernel;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.sparkrnn.worker.kernel.ArenaPlan.Region;

/** A recurrent layer with random contents in an arena of its own; parameters at odd offsets. */
final class LayerFixture implements AutoCloseable {
  final Kernel kernel;
  final Arena arena;
  final RecurrentLayer layer;

  LayerFixture(Kernel kernel, LayerShape shape) {
    this.kernel = kernel;
    boolean backward = shape.backward();
    long size = shape.parameters() + 1;
    ArenaPlan plan = new ArenaPlan();
    Region parameters = plan.region("parameters", size);
    Region gradients = plan.region("gradients", size);
    Region x = plan.padded("x", shape.oneHot() ? 0 : shape.positions(), shape.input());
    Region dx = plan.padded("dx", shape.oneHot() ? 0 : shape.positions(), shape.input());
    RecurrentLayer.Plan layerPlan = RecurrentLayer.plan(plan, kernel, "layer", shape);
    this.arena = kernel.allocate(plan);
    Matrix none = Matrix.absent(arena);
    this.layer =
        layerPlan.bind(
            arena,
            RecurrentParameters.of(parameters.vector(arena), 1, shape),
            backward
                ? RecurrentParameters.of(gradients.vector(arena), 1, shape)
                : RecurrentParameters.absent(arena),
            shape.oneHot() ? none : x.padded(arena, shape.positions(), shape.input()),
            shape.oneHot() || !backward
                ? none
                : dx.padded(arena, shape.positions(), shape.input()));
  }

  /** With gradients, without projection, normalisation and zoneout. */
  static LayerShape shape(
      CellKind cell, int time, int batch, int input, int hidden, boolean oneHot) {
    return shape(cell, time, batch, input, hidden, oneHot, Zoneout.NONE);
  }

  static LayerShape shape(
      CellKind cell, int time, int batch, int input, int hidden, boolean oneHot, Zoneout zoneout) {
    return shape(cell, time, batch, input, hidden, hidden, oneHot, zoneout);
  }

  static LayerShape shape(
      CellKind cell,
      int time,
      int batch,
      int input,
      int hidden,
      int output,
      boolean oneHot,
      Zoneout zoneout) {
    return new LayerShape(cell, time, batch, input, hidden, output, oneHot, false, true, zoneout);
  }

  static LayerShape normalised(LayerShape shape) {
    return with(shape, true, shape.backward());
  }

  static LayerShape withoutGradients(LayerShape shape) {
    return with(shape, shape.normalised(), false);
  }

  private static LayerShape with(LayerShape shape, boolean normalised, boolean backward) {
    return new LayerShape(
        shape.cell(),
        shape.time(),
        shape.batch(),
        shape.input(),
        shape.hidden(),
        shape.output(),
        shape.oneHot(),
        normalised,
        backward,
        shape.zoneout());
  }

  /** Random parameters, inputs, initial state and incoming gradients; outputs are set to NaN. */
  void fill(SplittableRandom random) {
    float range = (float) (1 / Math.sqrt(layer.hiddenUnits()));
    for (Matrix each : matrices(layer.parameters())) {
      randomise(each, random, range);
    }
    for (Matrix gain :
        List.of(layer.parameters().inputGain(), layer.parameters().recurrentGain())) {
      randomise(gain, random, 2f);
    }
    randomise(layer.parameters().cellGain(), random, 2f);
    randomise(layer.x(), random, 1f);
    randomise(layer.hidden().rows(0, layer.batch()), random, 1f);
    if (layer.cell().hasCellState()) {
      randomise(layer.cellState().rows(0, layer.batch()), random, 1f);
    }
    randomise(layer.dHiddenSequence(), random, 1f);
    randomise(layer.dHidden(), random, 1f);
    randomise(layer.dCell(), random, 1f);
    draw(layer.zoneout().hiddenUpdates(), layer.outputUnits(), random);
    draw(layer.zoneout().cellUpdates(), layer.hiddenUnits(), random);
    for (Matrix each : matrices(layer.gradients())) {
      spoil(each);
    }
    spoil(layer.dx());
  }

  static Matrix[] matrices(RecurrentParameters blocks) {
    return new Matrix[] {
      blocks.inputWeights(),
      blocks.recurrentWeights(),
      blocks.inputBias(),
      blocks.recurrentBias(),
      blocks.peepholes(),
      blocks.projection(),
      blocks.inputGain(),
      blocks.recurrentGain(),
      blocks.cellGain(),
      blocks.cellBias()
    };
  }

  /** One for each position and unit, from numbers of 16 bits for each step, block and stream. */
  static boolean[] choices(Matrix numbers, int units) {
    float[] values = numbers.toArray();
    int blocks = (units + 15) / 16;
    boolean[] choices = new boolean[values.length / blocks * units];
    for (int i = 0; i < choices.length; i++) {
      int p = i / units;
      int row = p / numbers.columns() * blocks + i % units / 16;
      int number = (int) values[row * numbers.columns() + p % numbers.columns()];
      choices[i] = (number & 1 << i % units % 16) != 0;
    }
    return choices;
  }

  private static void draw(Matrix updates, int units, SplittableRandom random) {
    float[] values = updates.toArray();
    int blocks = (units + 15) / 16;
    for (int i = 0; i < values.length; i++) {
      int first = i / updates.columns() % blocks * 16;
      values[i] = random.nextInt(1 << Math.min(16, units - first));
    }
    updates.write(values, 0);
  }

  static void randomise(Matrix matrix, SplittableRandom random, float range) {
    float[] values = matrix.toArray();
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) ((2 * random.nextDouble() - 1) * range);
    }
    matrix.write(values, 0);
  }

  private static void spoil(Matrix matrix) {
    float[] values = matrix.toArray();
    Arrays.fill(values, Float.NaN);
    matrix.write(values, 0);
  }

  int[] tokens(SplittableRandom random) {
    int[] tokens = new int[layer.shape().oneHot() ? layer.time() * layer.batch() : 0];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = random.nextInt(layer.input());
    }
    return tokens;
  }

  /** What forward leaves of a window, padding included. */
  Map<String, float[]> forwardResults(int time) {
    Map<String, float[]> results = new LinkedHashMap<>();
    int states = (time + 1) * layer.batch();
    results.put("gates", layer.gates().rows(0, time * layer.batch()).toArray());
    results.put("hidden", withPadding(layer.hidden().rows(0, states)));
    if (layer.cell().hasCellState()) {
      results.put("cell", withPadding(layer.cellState().rows(0, states)));
    }
    return results;
  }

  /** What backward leaves of a window, padding included. */
  Map<String, float[]> backwardResults(int time) {
    Map<String, float[]> results = new LinkedHashMap<>();
    results.put("dGates", layer.gates().rows(0, time * layer.batch()).toArray());
    results.put("dHidden", withPadding(layer.dHidden()));
    if (layer.cell().hasCellState()) {
      results.put("dCell", withPadding(layer.dCell()));
    }
    if (!layer.shape().oneHot()) {
      results.put("dx", withPadding(layer.dx().rows(0, time * layer.batch())));
    }
    results.put("weight_ih", layer.gradients().inputWeights().toArray());
    results.put("weight_hh", layer.gradients().recurrentWeights().toArray());
    results.put("bias_ih", layer.gradients().inputBias().toArray());
    results.put("bias_hh", layer.gradients().recurrentBias().toArray());
    results.put("weight_ph", layer.gradients().peepholes().toArray());
    results.put("weight_hr", layer.gradients().projection().toArray());
    if (layer.shape().normalised()) {
      results.put("gain_ih", layer.gradients().inputGain().toArray());
      results.put("gain_hh", layer.gradients().recurrentGain().toArray());
      results.put("gain_c", layer.gradients().cellGain().toArray());
      results.put("bias_c", layer.gradients().cellBias().toArray());
    }
    return results;
  }

  static float[] withPadding(Matrix matrix) {
    Matrix whole =
        new Matrix(
            matrix.arena(), matrix.offset(), matrix.rows(), matrix.stride(), matrix.stride());
    return whole.toArray();
  }

  @Override
  public void close() {
    arena.close();
  }
}
