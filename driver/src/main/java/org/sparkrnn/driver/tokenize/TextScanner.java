package org.sparkrnn.driver.tokenize;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.driver.storage.HadoopFiles;

/**
 * Reads the tokens of one {@link TextRange}, a buffer at a time.
 *
 * <p>Characters are Unicode code points, and every one of the text is a token. Words stand between
 * ASCII white space (which CR is); every {@code \n}, and the end of a file whose last byte is none,
 * is the token {@code <eos>}.
 */
final class TextScanner implements Closeable {
  /**
   * UTF-16 units that a word may have: a text without white space is a mistake, and must fit in
   * memory.
   */
  static final int LONGEST_WORD = 1 << 20;

  private static final int BUFFER_BYTES = 1 << 16;
  private static final int REPLACEMENT = 0xfffd;

  private final TextRange range;
  private final Unit unit;
  private final boolean replaceInvalid;
  private final InputStream input;
  private final long end;
  private final ByteBuffer bytes = ByteBuffer.allocate(BUFFER_BYTES).limit(0);
  private final CharBuffer chars = CharBuffer.allocate(BUFFER_BYTES);
  private final StringBuilder word = new StringBuilder();
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT);
  private long position; // in the text, of the first byte behind the buffer
  private boolean inLine;
  private boolean finished;

  TextScanner(HadoopFiles files, TextRange range, Unit unit, boolean replaceInvalid)
      throws IOException {
    this.range = range;
    this.unit = unit;
    this.replaceInvalid = replaceInvalid;
    SeekableByteChannel channel = files.open(range.path());
    try {
      if (channel.size() != range.fileSize()) {
        throw changed();
      }
      if (range.compressed()) {
        this.position = 0;
        this.end = Long.MAX_VALUE;
        this.input = decompressed(files, channel);
      } else {
        this.position = RangeAlignment.align(channel, range.fileSize(), range.start(), unit);
        this.end = RangeAlignment.align(channel, range.fileSize(), range.end(), unit);
        this.input = Channels.newInputStream(channel.position(position));
      }
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  static boolean isWhiteSpace(int character) {
    return character == ' ' || (character >= '\t' && character <= '\r');
  }

  /**
   * Hands the tokens of the next buffer to the visitor; false if there are no more.
   *
   * @throws TextProblemException if the text is not UTF-8, or damaged
   */
  boolean advance(TokenVisitor visitor) throws IOException {
    if (finished) {
      return false;
    }
    boolean last = !fill();
    while (true) {
      CoderResult result = decoder.decode(bytes, chars, last);
      take(visitor);
      if (result.isError()) {
        invalid(result.length(), visitor);
      } else if (result.isUnderflow()) {
        break;
      }
    }
    if (last) {
      finished = true;
      finish(visitor);
    }
    return true;
  }

  @Override
  public void close() throws IOException {
    input.close();
  }

  /** Reads until the buffer is full; false at the end of the range. */
  private boolean fill() throws IOException {
    bytes.compact();
    while (bytes.hasRemaining() && position < end) {
      int wanted = (int) Math.min(bytes.remaining(), end - position);
      int count = read(wanted);
      if (count < 0) {
        if (!range.compressed()) {
          throw changed();
        }
        bytes.flip();
        return false;
      }
      bytes.position(bytes.position() + count);
      position += count;
    }
    bytes.flip();
    return position < end;
  }

  private int read(int wanted) throws IOException {
    if (!range.compressed()) {
      return input.read(bytes.array(), bytes.position(), wanted);
    }
    try {
      return input.read(bytes.array(), bytes.position(), wanted);
    } catch (EOFException e) {
      throw new TextProblemException(
          "Cannot tokenize %s: the compressed file ends too early".formatted(range.path()), e);
    } catch (IOException e) {
      throw new TextProblemException(
          "Cannot tokenize %s: it cannot be decompressed (%s)"
              .formatted(range.path(), e.getMessage()),
          e);
    }
  }

  private void take(TokenVisitor visitor) throws TextProblemException {
    chars.flip();
    inLine = chars.hasRemaining() ? chars.get(chars.limit() - 1) != '\n' : inLine;
    if (unit == Unit.CHAR) {
      takeCharacters(visitor);
    } else {
      takeWords(visitor);
    }
    chars.clear();
  }

  private void takeCharacters(TokenVisitor visitor) {
    char[] array = chars.array();
    int limit = chars.limit();
    for (int i = 0; i < limit; i++) {
      char unit = array[i];
      if (Character.isHighSurrogate(unit)) {
        i++; // the decoder never separates the two
        visitor.character(Character.toCodePoint(unit, array[i]));
      } else {
        visitor.character(unit);
      }
    }
  }

  private void takeWords(TokenVisitor visitor) throws TextProblemException {
    char[] array = chars.array();
    int limit = chars.limit();
    int start = 0;
    for (int i = 0; i < limit; i++) {
      if (isWhiteSpace(array[i])) {
        word.append(array, start, i - start);
        endWord(visitor);
        start = i + 1;
        if (array[i] == '\n') {
          visitor.word(Vocabulary.END_OF_LINE);
        }
      }
    }
    word.append(array, start, limit - start);
    if (word.length() > LONGEST_WORD) {
      throw new TextProblemException(
          "Cannot tokenize %s: a word of more than %d characters ends after byte %d; is it text?"
              .formatted(range.path(), LONGEST_WORD, position - bytes.remaining()));
    }
  }

  private void endWord(TokenVisitor visitor) {
    if (!word.isEmpty()) {
      visitor.word(word.toString());
      word.setLength(0);
    }
  }

  private void finish(TokenVisitor visitor) {
    if (unit == Unit.WORD) {
      endWord(visitor);
      if (inLine && (range.compressed() || end == range.fileSize())) {
        visitor.word(Vocabulary.END_OF_LINE);
      }
    }
  }

  private void invalid(int length, TokenVisitor visitor) throws TextProblemException {
    if (!replaceInvalid) {
      StringBuilder hexadecimal = new StringBuilder();
      for (int i = 0; i < length; i++) {
        hexadecimal.append(" %02X".formatted(bytes.get(bytes.position() + i)));
      }
      throw new TextProblemException(
          "Cannot tokenize %s: byte %d%s is not UTF-8 (%s)"
              .formatted(
                  range.path(),
                  position - bytes.remaining(),
                  range.compressed() ? " of the decompressed text" : "",
                  hexadecimal.substring(1)));
    }
    bytes.position(bytes.position() + length);
    inLine = true;
    if (unit == Unit.CHAR) {
      visitor.character(REPLACEMENT);
    } else {
      word.append((char) REPLACEMENT);
    }
  }

  private InputStream decompressed(HadoopFiles files, SeekableByteChannel channel)
      throws IOException {
    CompressionCodec codec =
        new CompressionCodecFactory(files.configuration())
            .getCodec(new Path("/" + TextRange.fileName(range.path())));
    try {
      return codec.createInputStream(Channels.newInputStream(channel));
    } catch (IOException | RuntimeException e) {
      throw new TextProblemException(
          "Cannot tokenize %s: it cannot be decompressed (%s)"
              .formatted(range.path(), e.getMessage()),
          e);
    }
  }

  private TextProblemException changed() {
    return new TextProblemException(
        "Cannot tokenize %s: it changed while it was read".formatted(range.path()));
  }
}
