package org.sparkrnn.driver.tokenize;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import org.sparkrnn.common.corpus.CorpusManifest;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.Files;

/** Reads the vocabulary that a request names. */
final class GivenVocabulary {
  private static final int MAX_FILE_BYTES = 1 << 30;

  private GivenVocabulary() {}

  /**
   * The vocabulary of a corpus, of a vocabulary file, or of a text file with a word on each line,
   * to which {@code <eos>} and {@code <unk>} are added if they are not in it.
   */
  static Vocabulary read(Files files, String path, Unit unit) throws IOException {
    Vocabulary vocabulary;
    if (CorpusManifest.exists(files, path)) {
      vocabulary = new CorpusReader(files, path).vocabulary();
    } else {
      try {
        byte[] bytes = Channels.readAll(files, path, MAX_FILE_BYTES);
        vocabulary =
            bytes.length > 0 && bytes[0] == '{'
                ? Vocabulary.parse(bytes, path)
                : ofLines(bytes, path);
      } catch (NoSuchFileException e) {
        throw new BadInputException("Cannot read vocabulary %s: no such file".formatted(path), e);
      }
    }
    if (vocabulary.unit() != unit) {
      throw new BadInputException(
          "Cannot use vocabulary %s for unit %s: it is one of unit %s"
              .formatted(path, name(unit), name(vocabulary.unit())));
    }
    return vocabulary;
  }

  private static Vocabulary ofLines(byte[] bytes, String path) {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new BadInputException("Cannot read vocabulary %s: it is not UTF-8".formatted(path), e);
    }
    List<String> words = new ArrayList<>();
    for (String line : text.lines().toList()) {
      String word = line.strip();
      if (word.isEmpty() || word.chars().anyMatch(TextScanner::isWhiteSpace)) {
        throw new BadInputException(
            "Cannot read vocabulary %s: line %d is not one word".formatted(path, words.size() + 1));
      }
      words.add(word);
    }
    for (String special : List.of(Vocabulary.END_OF_LINE, Vocabulary.UNKNOWN)) {
      if (!words.contains(special)) {
        words.add(special);
      }
    }
    try {
      return Vocabulary.of(Unit.WORD, words);
    } catch (BadInputException e) {
      throw new BadInputException(
          "Cannot read vocabulary %s: %s".formatted(path, e.getMessage()), e);
    }
  }

  private static String name(Unit unit) {
    return unit == Unit.CHAR ? "char" : "word";
  }
}
