package org.sparkrnn.common.errors;

/** Messages as one line of bounded length, whatever names or values of a file stand in them. */
public final class OneLine {
  private static final int MAX_CHARACTERS = 2000;

  private OneLine() {}

  /** Control and formatting characters could move the cursor of the terminal that shows them. */
  public static String of(String message) {
    StringBuilder line = new StringBuilder();
    message
        .codePoints()
        .limit(MAX_CHARACTERS)
        .forEach(character -> line.appendCodePoint(isHarmless(character) ? character : ' '));
    if (message.codePointCount(0, message.length()) > MAX_CHARACTERS) {
      line.append('…');
    }
    return line.toString();
  }

  private static boolean isHarmless(int character) {
    return switch (Character.getType(character)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          false;
      default -> true;
    };
  }
}
