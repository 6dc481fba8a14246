package org.sparkrnn.worker.reference;

import java.util.Arrays;
import org.sparkrnn.common.config.DropoutConfig.Kind;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.worker.kernel.Zoneout;
import org.sparkrnn.worker.model.Dropout;
import org.sparkrnn.worker.model.LanguageModel.Masks;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.random.PhiloxKey;

/** The dropout masks of a local step from their definition in docs/numerics.md, section 6. */
public final class DropoutFactors {
  private DropoutFactors() {}

  /** Masks for {@link ReferenceModel}. */
  public static double[][] of(ModelSpec spec, int time, int streams, int[] tokens, Masks masks) {
    double[][] factors = ReferenceModel.withoutDropout(spec);
    Dropout dropout = spec.dropout();
    for (int place = spec.isOneHot() ? 1 : 0; place <= spec.layers(); place++) {
      int columns = spec.columns(place);
      PhiloxKey key = PhiloxKey.dropout(masks.seed(), (int) masks.step(), masks.replica(), place);
      factors[place] = new double[time * streams * columns];
      for (int i = 0; i < factors[place].length; i++) {
        boolean variational = dropout.kind() == Kind.VARIATIONAL;
        int index = variational ? i % (streams * columns) : i;
        factors[place][i] = factor(key, index, spec.dropoutRate(place));
      }
    }
    PhiloxKey word = PhiloxKey.wordDropout(masks.seed(), (int) masks.step(), masks.replica());
    PhiloxKey row = PhiloxKey.embeddingDropout(masks.seed(), (int) masks.step(), masks.replica());
    for (int i = 0; i < factors[0].length; i++) {
      int position = i / spec.embedding();
      factors[0][i] *= factor(word, position, dropout.word());
      factors[0][i] *= factor(row, tokens[position], dropout.embedding());
    }
    return factors;
  }

  /**
   * Masks for {@link ReferenceSequenceModel} of one of the sequences of a batch.
   *
   * @param streams of the batch, of which it is the {@code stream}-th
   */
  public static double[][] ofSequence(
      ModelSpec spec, int[] tokens, int length, int streams, int stream, Masks masks) {
    double[][] factors = ReferenceSequenceModel.withoutDropout(spec);
    boolean variational = spec.dropout().kind() == Kind.VARIATIONAL;
    boolean tagging = spec.task().task() == Task.TAGGING;
    for (int place = spec.embedding() > 0 ? 0 : 1; place <= spec.layers(); place++) {
      boolean pooled = place == spec.layers() && !tagging;
      int columns = place == 0 ? spec.embedding() : spec.task().joined(spec.output(place - 1));
      PhiloxKey key = PhiloxKey.dropout(masks.seed(), (int) masks.step(), masks.replica(), place);
      factors[place] = new double[(pooled ? 1 : length) * columns];
      for (int i = 0; i < factors[place].length; i++) {
        int row = pooled || variational ? stream : i / columns * streams + stream;
        factors[place][i] = factor(key, row * columns + i % columns, spec.dropoutRate(place));
      }
    }
    PhiloxKey word = PhiloxKey.wordDropout(masks.seed(), (int) masks.step(), masks.replica());
    PhiloxKey row = PhiloxKey.embeddingDropout(masks.seed(), (int) masks.step(), masks.replica());
    for (int i = 0; i < factors[0].length; i++) {
      int step = i / spec.embedding();
      factors[0][i] *= factor(word, step * streams + stream, spec.dropout().word());
      factors[0][i] *= factor(row, tokens[step], spec.dropout().embedding());
    }
    return factors;
  }

  /** Factors of all parameters: of recurrent weights what their dropout leaves, of others 1. */
  public static double[] ofWeights(ModelSpec spec, Masks masks) {
    double[] factors = new double[spec.layout().size()];
    Arrays.fill(factors, 1);
    for (int layer = 0; layer < spec.layers(); layer++) {
      for (int d = 0; d < spec.directions().size(); d++) {
        String name = "rnn.weight_hh_l" + layer + spec.directions().get(d);
        ParameterBlock block = spec.layout().block(name);
        PhiloxKey key =
            new PhiloxKey(
                masks.seed(), (int) masks.step(), masks.replica(), 0x2000 + 2 * layer + d);
        for (int i = 0; i < block.size(); i++) {
          factors[block.offset() + i] = factor(key, i, spec.dropout().recurrentWeights());
        }
      }
    }
    return factors;
  }

  /** Which units take their new states, for {@link ReferenceModel#zoneout}. */
  public static double[][][] ofZoneout(ModelSpec spec, int time, int streams, Masks masks) {
    double[][][] updates = new double[spec.layers()][spec.cell().states()][];
    for (int layer = 0; layer < updates.length; layer++) {
      for (int state = 0; state < updates[layer].length; state++) {
        updates[layer][state] = new double[time * streams * columns(spec, layer, state)];
        for (int i = 0; i < updates[layer][state].length; i++) {
          updates[layer][state][i] = updates(spec, layer, 0, state, i, masks) ? 1 : 0;
        }
      }
    }
    return updates;
  }

  /** The same of one of the sequences of a batch, for {@link ReferenceSequenceModel#zoneout}. */
  public static double[][][][] ofZoneout(
      ModelSpec spec, int time, int streams, int stream, Masks masks) {
    int directions = spec.directions().size();
    double[][][][] updates = new double[spec.layers()][directions][spec.cell().states()][];
    for (int layer = 0; layer < updates.length; layer++) {
      for (int d = 0; d < directions; d++) {
        for (int state = 0; state < updates[layer][d].length; state++) {
          int units = columns(spec, layer, state);
          updates[layer][d][state] = new double[time * units];
          for (int i = 0; i < time * units; i++) {
            int index = (i / units * streams + stream) * units + i % units;
            updates[layer][d][state][i] = updates(spec, layer, d, state, index, masks) ? 1 : 0;
          }
        }
      }
    }
    return updates;
  }

  private static int columns(ModelSpec spec, int layer, int state) {
    return state == 0 ? spec.output(layer) : spec.hidden(layer);
  }

  private static boolean updates(
      ModelSpec spec, int layer, int direction, int state, int index, Masks masks) {
    Zoneout zoneout = spec.dropout().zoneout();
    int purpose = 0x3000 + 4 * layer + 2 * direction + state;
    PhiloxKey key = new PhiloxKey(masks.seed(), (int) masks.step(), masks.replica(), purpose);
    return factor(key, index, state == 0 ? zoneout.hidden() : zoneout.cell()) > 0;
  }

  /** Element by element. */
  public static double[] product(double[] left, double[] right) {
    double[] product = new double[left.length];
    Arrays.setAll(product, i -> left[i] * right[i]);
    return product;
  }

  private static double factor(PhiloxKey key, int index, float rate) {
    boolean kept = Integer.toUnsignedLong(key.word(index)) >= Math.round(rate * 0x1p32);
    return kept ? 1 / (1 - (double) rate) : 0;
  }

  /** Whether a mask drops something, but not all. */
  public static boolean drops(double[] factors) {
    return Arrays.stream(factors).anyMatch(f -> f == 0)
        && Arrays.stream(factors).anyMatch(f -> f > 0);
  }
}
