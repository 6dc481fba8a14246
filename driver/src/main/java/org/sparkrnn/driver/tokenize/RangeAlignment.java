package org.sparkrnn.driver.tokenize;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import org.sparkrnn.common.corpus.Unit;

/**
 * Finds where the tokens of a byte range begin, from the bytes around its border alone, so that
 * neighbours agree without knowing each other. Between two aligned positions decoding gives the
 * same as decoding the whole file.
 */
final class RangeAlignment {
  private static final int LONGEST_CHARACTER = 4;
  private static final int SCAN_BYTES = 1 << 12;

  private RangeAlignment() {}

  /** The first position at or after {@code position} at which a token, or white space, begins. */
  static long align(SeekableByteChannel channel, long size, long position, Unit unit)
      throws IOException {
    if (position <= 0 || position >= size) {
      return Math.max(0, Math.min(position, size));
    }
    return switch (unit) {
      case CHAR -> alignCharacter(channel, size, position);
      case WORD -> alignWord(channel, size, position);
    };
  }

  /**
   * A byte that does not continue a character always begins one, in malformed text too: a malformed
   * sequence ends before it. One that does continue may belong to a sequence that began up to three
   * bytes before.
   */
  private static long alignCharacter(SeekableByteChannel channel, long size, long position)
      throws IOException {
    long first = Math.max(0, position - LONGEST_CHARACTER + 1);
    ByteBuffer around = read(channel, first, Math.min(size, position + LONGEST_CHARACTER - 1));
    int at = (int) (position - first);
    int lead = at;
    while (lead >= 0 && continues(around.get(lead))) {
      lead--;
    }
    if (lead < 0 || lead == at) {
      return position;
    }
    around.position(lead);
    return Math.max(position, first + lead + sequenceLength(around.slice()));
  }

  private static boolean continues(byte value) {
    return (value & 0xc0) == 0x80;
  }

  /** Length of the character, or of the malformed sequence, at the start of the bytes. */
  private static int sequenceLength(ByteBuffer bytes) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    CoderResult result = decoder.decode(bytes, CharBuffer.allocate(1), true);
    if (bytes.position() == 0 && result.isOverflow()) {
      // Four bytes that may be a character of two UTF-16 units; malformed ones show only now.
      result = decoder.reset().decode(bytes, CharBuffer.allocate(2), true);
    }
    return bytes.position() > 0 ? bytes.position() : result.length();
  }

  /**
   * The position itself if white space is on either side of the border, else the next white space
   * or the end.
   */
  private static long alignWord(SeekableByteChannel channel, long size, long position)
      throws IOException {
    long from = position - 1;
    while (from < size) {
      ByteBuffer bytes = read(channel, from, Math.min(size, from + SCAN_BYTES));
      for (int i = 0; i < bytes.limit(); i++) {
        if (TextScanner.isWhiteSpace(bytes.get(i))) {
          return Math.max(position, from + i);
        }
      }
      from += bytes.limit();
    }
    return size;
  }

  private static ByteBuffer read(SeekableByteChannel channel, long from, long to)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate((int) (to - from));
    channel.position(from);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes) < 0) {
        throw new EOFException("the file became shorter while it was read");
      }
    }
    return bytes.flip();
  }
}
