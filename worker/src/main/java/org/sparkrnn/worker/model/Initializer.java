package org.sparkrnn.worker.model;

import java.util.Arrays;
import org.sparkrnn.common.config.ModelConfig;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.random.Philox;
import org.sparkrnn.worker.random.PhiloxKey;

/**
 * Draws the first parameters. {@code uniform}: all from ±{@code initialization-range} (Zaremba et
 * al. 2014). {@code pytorch}: as PyTorch's modules do by default: the embedding from N(0, 1),
 * recurrent blocks and the output from ±1/√hidden. Element i of a block uses word i of the block's
 * stream; the normal distribution uses words 2i and 2i + 1 (Box and Muller 1958).
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
      PhiloxKey key = PhiloxKey.initialisation(seed, block.name());
      switch (config.initialization()) {
        case UNIFORM -> uniform(parameters, block, key, (float) config.initializationRange());
        case PYTORCH -> {
          if (block.name().equals(ModelSpec.EMBEDDING_WEIGHT)) {
            normal(parameters, block, key);
          } else {
            uniform(parameters, block, key, (float) (1 / StrictMath.sqrt(spec.hidden())));
          }
        }
      }
    }
    config.forgetGateBias().ifPresent(bias -> setForgetGateBias(parameters, layout, (float) bias));
    return parameters;
  }

  private void uniform(float[] parameters, ParameterBlock block, PhiloxKey key, float range) {
    for (int i = 0; i < block.size(); i++) {
      if (i % 4 == 0) {
        draw(i / 4, key);
      }
      parameters[block.offset() + i] = range * PhiloxKey.symmetricUniform(words[i % 4]);
    }
  }

  private void normal(float[] parameters, ParameterBlock block, PhiloxKey key) {
    for (int i = 0; i < block.size(); i++) {
      if (i % 2 == 0) {
        draw(i / 2, key);
      }
      double radius = uniform(words[i % 2 * 2]);
      double angle = uniform(words[i % 2 * 2 + 1]);
      parameters[block.offset() + i] =
          (float)
              (StrictMath.sqrt(-2 * StrictMath.log(radius)) * StrictMath.cos(2 * Math.PI * angle));
    }
  }

  /** In (0, 1], so that its logarithm is finite. */
  private static double uniform(int word) {
    return (Integer.toUnsignedLong(word) + 1) * 0x1p-32;
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
      for (String direction : spec.directions()) {
        int block = layout.block("rnn.bias_ih_l" + layer + direction).offset();
        int from = block + gate * spec.hidden();
        Arrays.fill(parameters, from, from + spec.hidden(), bias);
      }
    }
  }
}
