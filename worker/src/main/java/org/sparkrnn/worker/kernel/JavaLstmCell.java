package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.Matrix.LANES;

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al.
 * 2000).
 *
 * <pre>
 *   i = σ(zᵢ)   f = σ(z_f)   g = tanh(z_g)   o = σ(zₒ)
 *   c = f ∘ c₋₁ + i ∘ g      h = o ∘ tanh(c)
 * </pre>
 */
final class JavaLstmCell implements JavaCell {
  private static final int I = 0;
  private static final int F = LANES;
  private static final int G = 2 * LANES;
  private static final int O = 3 * LANES;
  private static final int BLOCK = 4 * LANES;

  @Override
  public void forward(
      float[] data,
      int units,
      int gates,
      int previousHidden,
      int hidden,
      int previousCell,
      int cellState,
      int peepholes) {
    for (int u = 0; u < units; u++) {
      int z = gates + u / LANES * BLOCK + u % LANES;
      float i = PolynomialMath.sigmoid(data[z + I]);
      float f = PolynomialMath.sigmoid(data[z + F]);
      float g = PolynomialMath.tanh(data[z + G]);
      float o = PolynomialMath.sigmoid(data[z + O]);
      float c = Math.fma(f, data[previousCell + u], i * g);
      data[z + I] = i;
      data[z + F] = f;
      data[z + G] = g;
      data[z + O] = o;
      data[cellState + u] = c;
      data[hidden + u] = o * PolynomialMath.tanh(c);
    }
  }

  @Override
  public void backward(
      float[] data,
      int units,
      int gates,
      int previousHidden,
      int dHidden,
      int previousCell,
      int dCell,
      int peepholes,
      int dPeepholes,
      boolean normalised) {
    for (int u = 0; u < units; u++) {
      int z = gates + u / LANES * BLOCK + u % LANES;
      float i = data[z + I];
      float f = data[z + F];
      float g = data[z + G];
      float o = data[z + O];
      float dh = data[dHidden + u];
      float tc = PolynomialMath.tanh(Math.fma(f, data[previousCell + u], i * g));
      float dc =
          normalised ? data[dCell + u] : Math.fma(dh * o, Math.fma(-tc, tc, 1f), data[dCell + u]);
      data[z + I] = dc * g * Math.fma(-i, i, i);
      data[z + F] = dc * data[previousCell + u] * Math.fma(-f, f, f);
      data[z + G] = dc * i * Math.fma(-g, g, 1f);
      data[z + O] = (normalised ? dh : dh * tc) * Math.fma(-o, o, o);
      data[dCell + u] = dc * f;
    }
  }
}
