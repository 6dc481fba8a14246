package org.sparkrnn.worker.kernel;

/** Simple recurrent network with {@code h = max(0, z)} (Le, Jaitly and Hinton 2015); NaN passes. */
final class JavaReluCell implements JavaCell {

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
      float h = 0f > data[z] ? 0f : data[z];
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
      data[z] = 0f < data[z] ? data[dHidden + u] : 0f;
    }
  }
}
