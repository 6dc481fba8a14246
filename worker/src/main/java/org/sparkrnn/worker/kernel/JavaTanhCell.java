package org.sparkrnn.worker.kernel;

/** Simple recurrent network with {@code h = tanh(z)} (Elman 1990). */
final class JavaTanhCell implements JavaCell {

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
      int z = gates + u;
      float h = PolynomialMath.tanh(data[z]);
      data[z] = h;
      data[hidden + u] = h;
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
      int z = gates + u;
      float h = data[z];
      data[z] = data[dHidden + u] * Math.fma(-h, h, 1f);
    }
  }
}
