package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.Matrix.LANES;

/**
 * Gated recurrent unit (Cho et al. 2014) with the reset gate after the recurrent product.
 *
 * <pre>
 *   r = σ(z_r)   z = σ(z_z)   n = tanh(x_n + r ∘ h_n)
 *   h = n + z ∘ (h₋₁ − n)
 * </pre>
 */
final class JavaGruCell implements JavaCell {
  private static final int N = 0;
  private static final int R = LANES;
  private static final int Z = 2 * LANES;
  private static final int N_RECURRENT = 3 * LANES;
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
      int at = gates + u / LANES * BLOCK + u % LANES;
      float r = PolynomialMath.sigmoid(data[at + R]);
      float z = PolynomialMath.sigmoid(data[at + Z]);
      float n = PolynomialMath.tanh(Math.fma(r, data[at + N_RECURRENT], data[at + N]));
      data[at + N] = n;
      data[at + R] = r;
      data[at + Z] = z;
      data[hidden + u] = Math.fma(z, data[previousHidden + u] - n, n);
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
      int at = gates + u / LANES * BLOCK + u % LANES;
      float n = data[at + N];
      float r = data[at + R];
      float z = data[at + Z];
      float dh = data[dHidden + u];
      float dn = dh * (1f - z);
      float dzn = dn * Math.fma(-n, n, 1f);
      data[at + Z] = dh * (data[previousHidden + u] - n) * Math.fma(-z, z, z);
      data[at + R] = dzn * data[at + N_RECURRENT] * Math.fma(-r, r, r);
      data[at + N] = dzn;
      data[at + N_RECURRENT] = dzn * r;
      data[dHidden + u] = dh * z;
    }
  }
}
