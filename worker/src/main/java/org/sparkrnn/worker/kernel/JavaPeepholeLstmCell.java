package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.Matrix.LANES;

/**
 * Long short-term memory with peepholes (Gers and Schmidhuber 2000): diagonal weights p from the
 * cell to the gates.
 *
 * <pre>
 *   i = σ(zᵢ + pᵢ ∘ c₋₁)   f = σ(z_f + p_f ∘ c₋₁)   g = tanh(z_g)
 *   c = f ∘ c₋₁ + i ∘ g    o = σ(zₒ + pₒ ∘ c)       h = o ∘ tanh(c)
 * </pre>
 *
 * <p>In the variant where o sees the previous cell it is σ(zₒ + pₒ ∘ c₋₁).
 */
final class JavaPeepholeLstmCell implements JavaCell {
  private static final int I = 0;
  private static final int F = LANES;
  private static final int G = 2 * LANES;
  private static final int O = 3 * LANES;
  private static final int BLOCK = 4 * LANES;

  private final boolean outputSeesPrevious;

  JavaPeepholeLstmCell(boolean outputSeesPrevious) {
    this.outputSeesPrevious = outputSeesPrevious;
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
      int z = gates + u / LANES * BLOCK + u % LANES;
      int p = peepholes + u;
      float previous = data[previousCell + u];
      float i = PolynomialMath.sigmoid(Math.fma(data[p], previous, data[z + I]));
      float f = PolynomialMath.sigmoid(Math.fma(data[p + units], previous, data[z + F]));
      float g = PolynomialMath.tanh(data[z + G]);
      float c = Math.fma(f, previous, i * g);
      float seen = outputSeesPrevious ? previous : c;
      float o = PolynomialMath.sigmoid(Math.fma(data[p + 2 * units], seen, data[z + O]));
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
      int p = peepholes + u;
      int dp = dPeepholes + u;
      float i = data[z + I];
      float f = data[z + F];
      float g = data[z + G];
      float o = data[z + O];
      float dh = data[dHidden + u];
      float previous = data[previousCell + u];
      float c = Math.fma(f, previous, i * g);
      float tc = PolynomialMath.tanh(c);
      float dzo = (normalised ? dh : dh * tc) * Math.fma(-o, o, o);
      float dc =
          normalised ? data[dCell + u] : Math.fma(dh * o, Math.fma(-tc, tc, 1f), data[dCell + u]);
      if (!outputSeesPrevious) {
        dc = Math.fma(dzo, data[p + 2 * units], dc);
      }
      float dzi = dc * g * Math.fma(-i, i, i);
      float dzf = dc * previous * Math.fma(-f, f, f);
      float dPrevious = Math.fma(dzf, data[p + units], Math.fma(dzi, data[p], dc * f));
      if (outputSeesPrevious) {
        dPrevious = Math.fma(dzo, data[p + 2 * units], dPrevious);
      }
      data[z + I] = dzi;
      data[z + F] = dzf;
      data[z + G] = dc * i * Math.fma(-g, g, 1f);
      data[z + O] = dzo;
      data[dCell + u] = dPrevious;
      data[dp] = Math.fma(dzi, previous, data[dp]);
      data[dp + units] = Math.fma(dzf, previous, data[dp + units]);
      float seen = outputSeesPrevious ? previous : c;
      data[dp + 2 * units] = Math.fma(dzo, seen, data[dp + 2 * units]);
    }
  }
}
