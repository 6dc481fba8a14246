package org.sparkrnn.common.corpus;

/** How an element stands in an array: little-endian, as NumPy names it. */
public enum ElementType {
  UINT16("<u2", 2, 1 << 16),
  INT32("<i4", 4, Integer.MAX_VALUE),
  /** Offsets of sequences; no token stands so. */
  INT64("<i8", 8, 0),
  /** Real numbers. */
  FLOAT32("<f4", 4, 0);

  private final String descr;
  private final int bytes;
  private final int maxVocabulary;

  ElementType(String descr, int bytes, int maxVocabulary) {
    this.descr = descr;
    this.bytes = bytes;
    this.maxVocabulary = maxVocabulary;
  }

  /** The smallest type that holds every index of a vocabulary of that size. */
  public static ElementType forVocabulary(int size) {
    return size <= UINT16.maxVocabulary ? UINT16 : INT32;
  }

  /** NumPy's name of the type. */
  public String descr() {
    return descr;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }
}
