package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.Matrix.LANES;

/**
 * Gated recurrent unit with the reset gate before the recurrent product (Cho et al. 2014). Its z is
 * one minus PyTorch's.
 *
 * <pre>
 *   r = σ(z_r)   q = r ∘ h₋₁   z = σ(z_z)   n = tanh(z_n), of which z_n sees q for h₋₁
 *   h = h₋₁ + z ∘ (n − h₋₁)
 * </pre>
 */
final class JavaResetBeforeGruCell implements JavaCell.Gating {
  private static final int R = 0;
  private static final int Z = LANES;
  private static final int N = 2 * LANES;
  private static final int BLOCK = 3 * LANES;

  @Override
  public void gate(float[] data, int units, int gates, int previousHidden, int gated) {
    for (int u = 0; u < units; u++) {
      int at = gates + u / LANES * BLOCK + u % LANES;
      float r = PolynomialMath.sigmoid(data[at + R]);
      data[at + R] = r;
      data[gated + u] = r * data[previousHidden + u];
    }
  }

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
      float z = PolynomialMath.sigmoid(data[at + Z]);
      float n = PolynomialMath.tanh(data[at + N]);
      float previous = data[previousHidden + u];
      data[at + Z] = z;
      data[at + N] = n;
      data[hidden + u] = Math.fma(z, n - previous, previous);
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
      float z = data[at + Z];
      float n = data[at + N];
      float dh = data[dHidden + u];
      data[at + Z] = dh * (n - data[previousHidden + u]) * Math.fma(-z, z, z);
      data[at + N] = dh * z * Math.fma(-n, n, 1f);
      data[dHidden + u] = dh * (1f - z);
    }
  }

  @Override
  public void gateBackward(
      float[] data, int units, int gates, int previousHidden, int dGated, int dHidden) {
    for (int u = 0; u < units; u++) {
      int at = gates + u / LANES * BLOCK + u % LANES;
      float r = data[at + R];
      float dq = data[dGated + u];
      data[at + R] = dq * data[previousHidden + u] * Math.fma(-r, r, r);
      data[dHidden + u] = Math.fma(dq, r, data[dHidden + u]);
    }
  }
}
