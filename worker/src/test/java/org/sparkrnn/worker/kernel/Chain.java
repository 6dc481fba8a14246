package org.sparkrnn.worker.kernel;

import org.sparkrnn.common.config.KernelConfig.Precision;

/** A sum of products, term after term, as docs/numerics.md prescribes it for a precision. */
final class Chain {
  private final Precision precision;
  private float sum;
  private int terms;

  /** bf16: the first of a pair whose second has not come. */
  private float even1;

  private float even2;

  /** bf16-amx: the two chains of the chunk. */
  private float even;

  private float odd;

  Chain(Precision precision, float start) {
    this.precision = precision;
    this.sum = start;
  }

  void add(float a, float b) {
    float term1 = precision == Precision.FLOAT32 ? a : Bfloat16.round(a);
    float term2 = precision == Precision.FLOAT32 ? b : Bfloat16.round(b);
    switch (precision) {
      case FLOAT32 -> sum = Math.fma(term1, term2, sum);
      case BF16 -> addToPair(term1, term2);
      case BF16_AMX -> addToChunk(term1, term2);
    }
    terms++;
  }

  private void addToPair(float term1, float term2) {
    if (terms % 2 != 0) {
      sum = Bfloat16.dot(even1, even2, term1, term2, sum);
    }
    even1 = term1;
    even2 = term2;
  }

  private void addToChunk(float term1, float term2) {
    if (terms % 2 == 0) {
      even = Bfloat16.link(term1, term2, even);
    } else {
      odd = Bfloat16.link(term1, term2, odd);
    }
    if (terms % Bfloat16.CHUNK == Bfloat16.CHUNK - 1) {
      sum = Bfloat16.addChunk(even, odd, sum);
      even = 0f;
      odd = 0f;
    }
  }

  /** The sum; no term follows. */
  float end() {
    int together =
        switch (precision) {
          case FLOAT32 -> 1;
          case BF16 -> 2;
          case BF16_AMX -> Bfloat16.CHUNK;
        };
    while (terms % together != 0) {
      add(0f, 0f);
    }
    return sum;
  }
}
