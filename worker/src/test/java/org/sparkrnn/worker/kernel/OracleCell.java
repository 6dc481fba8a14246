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
      case LSTM_PEEPHOLE -> new PeepholeLstm(false);
      case LSTM_PEEPHOLE_PREVIOUS -> new PeepholeLstm(true);
      case GRU_RESET_BEFORE -> new ResetBeforeGru();
    };
  }

  /**
   * One step.
   *
   * @param z in: pre-activations; out: activations
   * @param state in: h and c before the step; out: after it
   * @param peepholes of the unit; none if the cell has none
   */
  void forward(float[] z, float[] state, float[] peepholes);

  /**
   * The same step back.
   *
   * @param z in: activations; out: gradients by the pre-activations
   * @param before h and c before the step
   * @param after h and c after it
   * @param d in: gradients by h and c after the step; where h is made of the normalised c, all by
   *     c, and a third by the output gate; out: what reaches h before it without a product, and the
   *     gradient by c before it
   * @param dPeepholes in: the sum over the steps after it; out: with this step
   */
  void backward(
      float[] z, float[] before, float[] after, float[] d, float[] peepholes, float[] dPeepholes);

  /** A cell with a gated hidden state. */
  interface Gating extends OracleCell {

    /** That state; z gets the gate's activation. */
    float gate(float[] z, float before);

    /** After backward: z gets the gate's gradient; returns the new direct path. */
    float gateBackward(float[] z, float before, float dGated, float direct);
  }

  final class Lstm implements OracleCell {
    @Override
    public void forward(float[] z, float[] state, float[] peepholes) {
      float i = sigmoid(z[0]);
      float f = sigmoid(z[1]);
      float g = tanh(z[2]);
      float o = sigmoid(z[3]);
      float c = Math.fma(f, state[1], i * g);
      set(z, i, f, g, o);
      set(state, o * tanh(c), c);
    }

    @Override
    public void backward(
        float[] z,
        float[] before,
        float[] after,
        float[] d,
        float[] peepholes,
        float[] dPeepholes) {
      float i = z[0];
      float f = z[1];
      float g = z[2];
      float o = z[3];
      float tc = tanh(after[1]);
      float dc = byCell(d, o, tc);
      set(
          z,
          dc * g * Math.fma(-i, i, i),
          dc * before[1] * Math.fma(-f, f, f),
          dc * i * Math.fma(-g, g, 1f),
          byOutputGate(d, tc) * Math.fma(-o, o, o));
      set(d, 0f, dc * f);
    }
  }

  final class Gru implements OracleCell {
    @Override
    public void forward(float[] z, float[] state, float[] peepholes) {
      float r = sigmoid(z[1]);
      float update = sigmoid(z[2]);
      float n = tanh(Math.fma(r, z[3], z[0]));
      set(z, n, r, update, z[3]);
      state[0] = Math.fma(update, state[0] - n, n);
    }

    @Override
    public void backward(
        float[] z,
        float[] before,
        float[] after,
        float[] d,
        float[] peepholes,
        float[] dPeepholes) {
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
    public void forward(float[] z, float[] state, float[] peepholes) {
      if (!relu) {
        z[0] = tanh(z[0]);
      } else if (0f > z[0]) {
        z[0] = 0f;
      }
      state[0] = z[0];
    }

    @Override
    public void backward(
        float[] z,
        float[] before,
        float[] after,
        float[] d,
        float[] peepholes,
        float[] dPeepholes) {
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
    public void forward(float[] z, float[] state, float[] peepholes) {
      float i = sigmoid(z[0]);
      float g = tanh(z[1]);
      float o = sigmoid(z[2]);
      float c = Math.fma(i, g - state[1], state[1]);
      set(z, i, g, o);
      set(state, o * tanh(c), c);
    }

    @Override
    public void backward(
        float[] z,
        float[] before,
        float[] after,
        float[] d,
        float[] peepholes,
        float[] dPeepholes) {
      float i = z[0];
      float g = z[1];
      float o = z[2];
      float tc = tanh(after[1]);
      float dc = byCell(d, o, tc);
      set(
          z,
          dc * (g - before[1]) * Math.fma(-i, i, i),
          dc * i * Math.fma(-g, g, 1f),
          byOutputGate(d, tc) * Math.fma(-o, o, o));
      set(d, 0f, dc * (1f - i));
    }
  }

  final class PeepholeLstm implements OracleCell {
    private final boolean outputSeesPrevious;

    PeepholeLstm(boolean outputSeesPrevious) {
      this.outputSeesPrevious = outputSeesPrevious;
    }

    @Override
    public void forward(float[] z, float[] state, float[] peepholes) {
      float before = state[1];
      float i = sigmoid(Math.fma(peepholes[0], before, z[0]));
      float f = sigmoid(Math.fma(peepholes[1], before, z[1]));
      float g = tanh(z[2]);
      float c = Math.fma(f, before, i * g);
      float o = sigmoid(Math.fma(peepholes[2], outputSeesPrevious ? before : c, z[3]));
      set(z, i, f, g, o);
      set(state, o * tanh(c), c);
    }

    @Override
    public void backward(
        float[] z,
        float[] before,
        float[] after,
        float[] d,
        float[] peepholes,
        float[] dPeepholes) {
      float i = z[0];
      float f = z[1];
      float g = z[2];
      float o = z[3];
      float tc = tanh(after[1]);
      float dzo = byOutputGate(d, tc) * Math.fma(-o, o, o);
      float dc = byCell(d, o, tc);
      if (!outputSeesPrevious) {
        dc = Math.fma(dzo, peepholes[2], dc);
      }
      float dzi = dc * g * Math.fma(-i, i, i);
      float dzf = dc * before[1] * Math.fma(-f, f, f);
      float dPrevious = Math.fma(dzf, peepholes[1], Math.fma(dzi, peepholes[0], dc * f));
      if (outputSeesPrevious) {
        dPrevious = Math.fma(dzo, peepholes[2], dPrevious);
      }
      dPeepholes[0] = Math.fma(dzi, before[1], dPeepholes[0]);
      dPeepholes[1] = Math.fma(dzf, before[1], dPeepholes[1]);
      dPeepholes[2] = Math.fma(dzo, outputSeesPrevious ? before[1] : after[1], dPeepholes[2]);
      set(z, dzi, dzf, dc * i * Math.fma(-g, g, 1f), dzo);
      set(d, 0f, dPrevious);
    }
  }

  final class ResetBeforeGru implements OracleCell.Gating {
    @Override
    public float gate(float[] z, float before) {
      z[0] = sigmoid(z[0]);
      return z[0] * before;
    }

    @Override
    public void forward(float[] z, float[] state, float[] peepholes) {
      z[1] = sigmoid(z[1]);
      z[2] = tanh(z[2]);
      state[0] = Math.fma(z[1], z[2] - state[0], state[0]);
    }

    @Override
    public void backward(
        float[] z,
        float[] before,
        float[] after,
        float[] d,
        float[] peepholes,
        float[] dPeepholes) {
      float update = z[1];
      float n = z[2];
      z[1] = d[0] * (n - before[0]) * Math.fma(-update, update, update);
      z[2] = d[0] * update * Math.fma(-n, n, 1f);
      d[0] = d[0] * (1f - update);
    }

    @Override
    public float gateBackward(float[] z, float before, float dGated, float direct) {
      float r = z[0];
      z[0] = dGated * before * Math.fma(-r, r, r);
      return Math.fma(dGated, r, direct);
    }
  }

  private static float byOutputGate(float[] d, float tc) {
    return d.length > 2 ? d[2] : d[0] * tc;
  }

  private static float byCell(float[] d, float o, float tc) {
    return d.length > 2 ? d[1] : Math.fma(d[0] * o, Math.fma(-tc, tc, 1f), d[1]);
  }

  private static void set(float[] target, float... values) {
    System.arraycopy(values, 0, target, 0, values.length);
  }
}
