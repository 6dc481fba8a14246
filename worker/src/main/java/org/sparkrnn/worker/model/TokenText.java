package org.sparkrnn.worker.model;

import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;

/** Prompts as tokens and tokens as text, for corpora of characters and of words. */
final class TokenText {
  private final Vocabulary vocabulary;

  TokenText(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
  }

  /**
   * The tokens of a prompt; of an empty one the end of a line, or the most frequent token where
   * there is none. Words that the vocabulary does not have are its unknown token.
   *
   * @throws BadInputException if it has no token for a part of the prompt
   */
  int[] prompt(String text) {
    List<String> parts = parts(text);
    if (parts.isEmpty()) {
      String end = vocabulary.unit() == Unit.CHAR ? "\n" : Vocabulary.END_OF_LINE;
      return new int[] {Math.max(0, vocabulary.indexOf(end))};
    }
    return parts.stream().mapToInt(this::index).toArray();
  }

  /** The parts of a prompt that the vocabulary does not have, each once. */
  List<String> unknown(String text) {
    return parts(text).stream().filter(part -> vocabulary.indexOf(part) < 0).distinct().toList();
  }

  private List<String> parts(String text) {
    return vocabulary.unit() == Unit.CHAR ? characters(text) : words(text);
  }

  private int index(String part) {
    int index = vocabulary.indexOf(part);
    if (index < 0 && vocabulary.unknown().isPresent()) {
      return vocabulary.unknown().getAsInt();
    }
    if (index < 0) {
      throw new BadInputException(
          "Cannot continue the prompt: \"%s\" (U+%04X) is not in the vocabulary of %s"
              .formatted(part, part.codePointAt(0), vocabulary));
    }
    return index;
  }

  private static List<String> characters(String text) {
    return text.codePoints().mapToObj(Character::toString).toList();
  }

  private static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    String[] lines = text.split("\n", -1);
    for (int i = 0; i < lines.length; i++) {
      for (String word : lines[i].split("[ \t\r\f\u000b]+", -1)) {
        if (!word.isEmpty()) {
          words.add(word);
        }
      }
      if (i < lines.length - 1) {
        words.add(Vocabulary.END_OF_LINE);
      }
    }
    return words;
  }

  /** Appends a token: words are parted by spaces, the end of a line is a line feed. */
  void append(StringBuilder text, int token) {
    String part = vocabulary.token(token);
    if (vocabulary.unit() == Unit.CHAR) {
      text.append(part);
    } else if (part.equals(Vocabulary.END_OF_LINE)) {
      text.append('\n');
    } else {
      boolean lineStart = text.isEmpty() || text.charAt(text.length() - 1) == '\n';
      text.append(lineStart ? "" : " ").append(part);
    }
  }
}
