package org.sparkrnn.worker.random;

/**
 * What a random number is for: the last counter word, so that two uses never share a number. Codes
 * are part of the format of a run (docs/numerics.md) and never change.
 */
public enum Purpose {
  /** Initial values of a parameter block. */
  INITIALISATION(1),
  /** Choice of the next token when text is generated. */
  SAMPLING(2),
  /** Rounding of what a replica sends to be averaged. */
  DELTA(3),
  /** Order of the sequences of an epoch. */
  SEQUENCE_ORDER(4),
  /** Order of the batches of a bucket of sequences. */
  BATCH_ORDER(5),
  /** Lengths of windows. */
  WINDOW(6),
  /** Positions whose token is dropped. */
  WORD_DROPOUT(7),
  /** Rows of the embedding that are dropped. */
  EMBEDDING_DROPOUT(8),
  /** Words of a sampled softmax. */
  SOFTMAX_SAMPLE(9),
  /** Masks of activations; {@link #at} adds the place in the model. */
  DROPOUT(0x1000),
  /** Masks of recurrent weights; {@link #at} adds the layer and its direction. */
  RECURRENT_WEIGHT_DROPOUT(0x2000),
  /** Zoneout; {@link #at} adds the layer, its direction and the state. */
  ZONEOUT(0x3000);

  private static final int PLACES = 0x1000;

  private final int code;

  Purpose(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }

  /** The code of one of several places that draw for the same purpose, counted from 0. */
  public int at(int place) {
    if (code < PLACES || place < 0 || place >= PLACES) {
      throw new IllegalArgumentException("Cannot draw for %s at place %d".formatted(this, place));
    }
    return code + place;
  }
}
