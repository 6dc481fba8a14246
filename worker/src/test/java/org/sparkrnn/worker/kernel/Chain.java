package org.sparkrnn.worker.kernel;

import org.sparkrnn.common.config.KernelConfig.Precision;

/** A sum of products, term after term, as docs/numerics.md prescribes it for a precision. */
final class Chain {
  private final Precision precision;
  private float sum;
  private float even1;
  private float even2;
  private boolean pending;

  Chain(Precision precision, float start) {
    this.precision = precision;
    this.sum = start;
  }

  void add(float a, float b) {
    if (precision == Precision.FLOAT32) {
      sum = Math.fma(a, b, sum);
      return;
    }
    float term1 = Bfloat16.round(a);
    float term2 = Bfloat16.round(b);
    if (pending) {
      sum = Bfloat16.dot(even1, even2, term1, term2, sum);
    } else {
      even1 = term1;
      even2 = term2;
    }
    pending = !pending;
  }

  /** The sum; no term follows. */
  float end() {
    if (pending) {
      sum = Bfloat16.dot(even1, even2, 0f, 0f, sum);
      pending = false;
    }
    return sum;
  }
}
