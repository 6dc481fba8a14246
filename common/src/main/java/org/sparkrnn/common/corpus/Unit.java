package org.sparkrnn.common.corpus;

/** What one token of a corpus stands for. */
public enum Unit {
  /** A Unicode code point; every one of the text is kept. */
  CHAR,
  /** What stands between ASCII white space; {@code <eos>} at the end of every line. */
  WORD
}
