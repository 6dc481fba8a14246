package org.sparkrnn.worker.model;

import java.util.Arrays;
import org.sparkrnn.common.config.ModelConfig;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.random.Philox;
import org.sparkrnn.worker.random.PhiloxKey;

/**
 * Draws the first parameters; docs/numerics.md, section 7. Element i of a block uses word i of the
 * block's stream; the normal distribution uses words 2i and 2i + 1 (Box and Muller 1958).
 */
final class Initializer {
  private final ModelSpec spec;
  private final ModelConfig config;
  private final long seed;
  private final int[] words = new int[4];

  Initializer(ModelSpec spec, ModelConfig config, long seed) {
    this.spec = spec;
    this.config = config;
    this.seed = seed;
  }

  float[] parameters() {
    ParameterLayout layout = spec.layout();
    float[] parameters = new float[layout.size()];
    for (ParameterBlock block : layout.blocks()) {
      if (block.name().startsWith("rnn.gain_") || block.name().startsWith("rnn.bias_c_")) {
        float value = block.name().startsWith("rnn.gain_") ? 1f : 0f;
        Arrays.fill(parameters, block.offset(), block.offset() + block.size(), value);
        continue;
      }
      PhiloxKey key = PhiloxKey.initialisation(seed, block.name());
      switch (config.initialization()) {
        case UNIFORM -> uniform(parameters, block, key, config.initializationRange());
        case PYTORCH -> pytorch(parameters, block, key);
        case AWD -> awd(parameters, block, key);
        case XAVIER -> xavier(parameters, block, key);
        case ORTHOGONAL -> orthogonal(parameters, block, key);
      }
    }
    config.forgetGateBias().ifPresent(bias -> setForgetGateBias(parameters, layout, (float) bias));
    return parameters;
  }

  private void pytorch(float[] parameters, ParameterBlock block, PhiloxKey key) {
    if (block.name().equals(ModelSpec.EMBEDDING_WEIGHT)) {
      for (int i = 0; i < block.size(); i++) {
        parameters[block.offset() + i] = (float) normal(i, key);
      }
    } else {
      uniform(parameters, block, key, 1 / StrictMath.sqrt(unitsOf(block)));
    }
  }

  private void awd(float[] parameters, ParameterBlock block, PhiloxKey key) {
    if (isRecurrent(block)) {
      pytorch(parameters, block, key);
    } else if (block.dimensions() == 2) {
      uniform(parameters, block, key, config.initializationRange());
    }
  }

  /** Biases stay 0. A gate is a matrix of its own: it has as many rows as the layer has units. */
  private void xavier(float[] parameters, ParameterBlock block, PhiloxKey key) {
    if (block.dimensions() == 2) {
      double rows = hasGates(block) ? unitsOf(block) : block.rows();
      uniform(parameters, block, key, StrictMath.sqrt(6 / (rows + block.columns())));
    }
  }

  private void orthogonal(float[] parameters, ParameterBlock block, PhiloxKey key) {
    if (!block.name().startsWith("rnn.weight_hh")) {
      xavier(parameters, block, key);
      return;
    }
    int units = unitsOf(block);
    double[] gate = new double[Math.multiplyExact(units, block.columns())];
    for (int from = 0; from < block.size(); from += gate.length) {
      for (int i = 0; i < gate.length; i++) {
        gate[i] = normal(from + i, key);
      }
      double[] orthogonal = Orthogonal.of(gate, units, block.columns());
      for (int i = 0; i < gate.length; i++) {
        parameters[block.offset() + from + i] = (float) orthogonal[i];
      }
    }
  }

  private static boolean hasGates(ParameterBlock block) {
    return isRecurrent(block) && !block.name().startsWith("rnn.weight_hr");
  }

  private static boolean isRecurrent(ParameterBlock block) {
    return block.name().startsWith("rnn.");
  }

  /**
   * Units of the layer that a block belongs to; of the last one for the output; a rare word's
   * columns.
   */
  private int unitsOf(ParameterBlock block) {
    for (int layer = 0; layer < spec.layers(); layer++) {
      for (String direction : spec.directions()) {
        if (block.name().endsWith("_l" + layer + direction)) {
          return spec.hidden(layer);
        }
      }
    }
    return block.name().startsWith("output.tail.") ? block.columns() : spec.outputSize();
  }

  private void uniform(float[] parameters, ParameterBlock block, PhiloxKey key, double range) {
    for (int i = 0; i < block.size(); i++) {
      if (i % 4 == 0) {
        draw(i / 4, key);
      }
      parameters[block.offset() + i] = (float) range * PhiloxKey.symmetricUniform(words[i % 4]);
    }
  }

  /** Element of the block's standard normal numbers; they are asked for in order. */
  private double normal(int i, PhiloxKey key) {
    if (i % 2 == 0) {
      draw(i / 2, key);
    }
    return PhiloxKey.normal(words[i % 2 * 2], words[i % 2 * 2 + 1]);
  }

  private void draw(int block, PhiloxKey key) {
    Philox.block(block, key.step(), key.replica(), key.purpose(), key.seed(), words);
  }

  /** Only {@code bias_ih} gets it: the two biases add up. A cell without a forget gate is left. */
  private void setForgetGateBias(float[] parameters, ParameterLayout layout, float bias) {
    int gate = spec.cell().gates().indexOf("f");
    if (gate < 0) {
      return;
    }
    for (int layer = 0; layer < spec.layers(); layer++) {
      int units = spec.hidden(layer);
      for (String direction : spec.directions()) {
        int block = layout.block("rnn.bias_ih_l" + layer + direction).offset();
        Arrays.fill(parameters, block + gate * units, block + (gate + 1) * units, bias);
      }
    }
  }
}
