package org.sparkrnn.worker.kernel;

import static org.sparkrnn.worker.kernel.PolynomialMath.sigmoid;
import static org.sparkrnn.worker.kernel.PolynomialMath.tanh;

/** A cell's equations of section 3 of docs/numerics.md for one unit, written from the page. */
interface OracleCell {

  static OracleCell of(CellKind kind) {
    return switch (kind) {
      case LSTM -> new Lstm();
      case GRU -> new Gru();
      case RNN_TANH -> new Rnn(false);
      case RNN_RELU -> new Rnn(true);
      case LSTM_COUPLED -> new CoupledLstm();
    };
  }

  /**
   * One step.
   *
   * @param z in: pre-activations; out: activations
   * @param state in: h and c before the step; out: after it
   */
  void forward(float[] z, float[] state);

  /**
   * The same step back.
   *
   * @param z in: activations; out: gradients by the pre-activations
   * @param before h and c before the step
   * @param after h and c after it
   * @param d in: gradients by h and c after the step; out: what reaches h before it without a
   *     product, and the gradient by c before it
   */
  void backward(float[] z, float[] before, float[] after, float[] d);

  final class Lstm implements OracleCell {
    @Override
    public void forward(float[] z, float[] state) {
      float i = sigmoid(z[0]);
      float f = sigmoid(z[1]);
      float g = tanh(z[2]);
      float o = sigmoid(z[3]);
      float c = Math.fma(f, state[1], i * g);
      set(z, i, f, g, o);
      set(state, o * tanh(c), c);
    }

    @Override
    public void backward(float[] z, float[] before, float[] after, float[] d) {
      float i = z[0];
      float f = z[1];
      float g = z[2];
      float o = z[3];
      float tc = tanh(after[1]);
      float dc = Math.fma(d[0] * o, Math.fma(-tc, tc, 1f), d[1]);
      set(
          z,
          dc * g * Math.fma(-i, i, i),
          dc * before[1] * Math.fma(-f, f, f),
          dc * i * Math.fma(-g, g, 1f),
          d[0] * tc * Math.fma(-o, o, o));
      set(d, 0f, dc * f);
    }
  }

  final class Gru implements OracleCell {
    @Override
    public void forward(float[] z, float[] state) {
      float r = sigmoid(z[1]);
      float update = sigmoid(z[2]);
      float n = tanh(Math.fma(r, z[3], z[0]));
      set(z, n, r, update, z[3]);
      state[0] = Math.fma(update, state[0] - n, n);
    }

    @Override
    public void backward(float[] z, float[] before, float[] after, float[] d) {
      float n = z[0];
      float r = z[1];
      float update = z[2];
      float recurrent = z[3];
      float dzn = d[0] * (1f - update) * Math.fma(-n, n, 1f);
      float dzr = dzn * recurrent * Math.fma(-r, r, r);
      float dzz = d[0] * (before[0] - n) * Math.fma(-update, update, update);
      set(z, dzn, dzr, dzz, dzn * r);
      d[0] = d[0] * update;
    }
  }

  final class Rnn implements OracleCell {
    private final boolean relu;

    Rnn(boolean relu) {
      this.relu = relu;
    }

    @Override
    public void forward(float[] z, float[] state) {
      if (!relu) {
        z[0] = tanh(z[0]);
      } else if (0f > z[0]) {
        z[0] = 0f;
      }
      state[0] = z[0];
    }

    @Override
    public void backward(float[] z, float[] before, float[] after, float[] d) {
      float h = z[0];
      if (relu) {
        z[0] = 0f < h ? d[0] : 0f;
      } else {
        z[0] = d[0] * Math.fma(-h, h, 1f);
      }
      d[0] = 0f;
    }
  }

  final class CoupledLstm implements OracleCell {
    @Override
    public void forward(float[] z, float[] state) {
      float i = sigmoid(z[0]);
      float g = tanh(z[1]);
      float o = sigmoid(z[2]);
      float c = Math.fma(i, g - state[1], state[1]);
      set(z, i, g, o);
      set(state, o * tanh(c), c);
    }

    @Override
    public void backward(float[] z, float[] before, float[] after, float[] d) {
      float i = z[0];
      float g = z[1];
      float o = z[2];
      float tc = tanh(after[1]);
      float dc = Math.fma(d[0] * o, Math.fma(-tc, tc, 1f), d[1]);
      set(
          z,
          dc * (g - before[1]) * Math.fma(-i, i, i),
          dc * i * Math.fma(-g, g, 1f),
          d[0] * tc * Math.fma(-o, o, o));
      set(d, 0f, dc * (1f - i));
    }
  }

  private static void set(float[] target, float... values) {
    System.arraycopy(values, 0, target, 0, values.length);
  }
}
