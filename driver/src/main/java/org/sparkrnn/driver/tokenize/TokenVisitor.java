package org.sparkrnn.driver.tokenize;

/** Takes the tokens of a text in order: either characters or words, depending on the unit. */
interface TokenVisitor {
  /** A Unicode code point. */
  void character(int codePoint);

  /** A word, or the end of a line. */
  void word(String word);
}
