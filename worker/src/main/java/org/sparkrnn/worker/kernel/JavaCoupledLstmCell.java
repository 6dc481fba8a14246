package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.Matrix.LANES;

/**
 * Long short-term memory whose forget gate is what the input gate leaves, {@code f = 1 − i} (Greff
 * et al. 2017, CIFG).
 *
 * <pre>
 *   i = σ(zᵢ)   g = tanh(z_g)   o = σ(zₒ)
 *   c = c₋₁ + i ∘ (g − c₋₁)     h = o ∘ tanh(c)
 * </pre>
 */
final class JavaCoupledLstmCell implements JavaCell {
  private static final int I = 0;
  private static final int G = LANES;
  private static final int O = 2 * LANES;
  private static final int BLOCK = 3 * LANES;

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
      float g = PolynomialMath.tanh(data[z + G]);
      float o = PolynomialMath.sigmoid(data[z + O]);
      float previous = data[previousCell + u];
      float c = Math.fma(i, g - previous, previous);
      data[z + I] = i;
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
      float g = data[z + G];
      float o = data[z + O];
      float dh = data[dHidden + u];
      float previous = data[previousCell + u];
      float tc = PolynomialMath.tanh(Math.fma(i, g - previous, previous));
      float dc =
          normalised ? data[dCell + u] : Math.fma(dh * o, Math.fma(-tc, tc, 1f), data[dCell + u]);
      data[z + I] = dc * (g - previous) * Math.fma(-i, i, i);
      data[z + G] = dc * i * Math.fma(-g, g, 1f);
      data[z + O] = (normalised ? dh : dh * tc) * Math.fma(-o, o, o);
      data[dCell + u] = dc * (1f - i);
    }
  }
}
