package org.sparkrnn.worker.model;

import java.util.Arrays;
import org.sparkrnn.common.config.DropoutConfig.Kind;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.model.LanguageModel.Masks;
import org.sparkrnn.worker.random.Philox;
import org.sparkrnn.worker.random.PhiloxKey;

/** Draws dropout masks and applies them: docs/numerics.md, section 6. */
public final class DropoutMasks {
  private final Dropout dropout;
  private final int layers;
  private final Kernel kernel;
  private final int streams;
  private final int[] words = new int[4];

  public DropoutMasks(ModelSpec spec, Kernel kernel, int streams) {
    this.dropout = spec.dropout();
    this.layers = spec.layers();
    this.kernel = kernel;
    this.streams = streams;
  }

  /** Whether anything is dropped at a place. */
  public boolean drops(int place) {
    return dropout.rate(place, layers) > 0;
  }

  /** What a place lets through of activations, or of their gradients; all where nothing drops. */
  public void apply(Matrix in, Matrix out, int time, Masks masks, int place) {
    int rows = time * streams;
    apply(in, out, rows, dropout.kind() == Kind.VARIATIONAL ? streams : rows, masks, place);
  }

  /** The same of rows that are not steps, each with a mask of its own. */
  public void applyToRows(Matrix in, Matrix out, int rows, Masks masks, int place) {
    apply(in, out, rows, rows, masks, place);
  }

  private void apply(Matrix in, Matrix out, int rows, int period, Masks masks, int place) {
    float rate = dropout.rate(place, layers);
    if (rate > 0) {
      PhiloxKey key = PhiloxKey.dropout(masks.seed(), (int) masks.step(), masks.replica(), place);
      kernel.dropout(in, out, rows, period, rate, key);
    }
  }

  /** Factors of the rows that the tokens of a window select, by word and embedding dropout. */
  void rowFactors(int positions, int[] tokens, Masks masks, float[] factors) {
    Arrays.fill(factors, 0, positions, 1f);
    if (dropout.word() > 0) {
      PhiloxKey key = PhiloxKey.wordDropout(masks.seed(), (int) masks.step(), masks.replica());
      for (int p = 0; p < positions; p++) {
        factors[p] = factor(key, p, dropout.word());
      }
    }
    if (dropout.embedding() > 0) {
      PhiloxKey key = PhiloxKey.embeddingDropout(masks.seed(), (int) masks.step(), masks.replica());
      for (int p = 0; p < positions; p++) {
        factors[p] *= factor(key, tokens[p], dropout.embedding());
      }
    }
  }

  private float factor(PhiloxKey key, int index, float rate) {
    Philox.block(index / 4, key.step(), key.replica(), key.purpose(), key.seed(), words);
    boolean kept = Integer.toUnsignedLong(words[index % 4]) >= Math.round(rate * 0x1p32);
    return kept ? 1f / (1f - rate) : 0f;
  }
}
