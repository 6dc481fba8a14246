package org.sparkrnn.common.corpus;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.Channels;

/**
 * The header of a one-dimensional NumPy {@code .npy} file. Written in version 1.0, always {@value
 * #HEADER_BYTES} bytes long; versions 1.0 to 3.0 are read.
 */
public final class NpyFormat {
  /** Length of every header we write; a multiple of 64, as NumPy wants it. */
  public static final int HEADER_BYTES = 128;

  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final int MAX_HEADER_BYTES = 1 << 16;
  private static final Pattern DESCR = Pattern.compile("'descr'\\s*:\\s*'([^']*)'");
  private static final Pattern SHAPE =
      Pattern.compile("'shape'\\s*:\\s*\\(\\s*(\\d{1,18})\\s*,\\s*\\)");
  private static final Pattern ORDER = Pattern.compile("'fortran_order'\\s*:\\s*(True|False)");

  private NpyFormat() {}

  /**
   * What a header says.
   *
   * @param elements length of the array
   * @param dataOffset byte at which the first element stands
   */
  public record Header(ElementType type, long elements, int dataOffset) {}

  /** The header of an array of that many elements. */
  public static byte[] header(ElementType type, long elements) {
    if (elements < 0) {
      throw new IllegalArgumentException(
          "Cannot describe an array of %d elements".formatted(elements));
    }
    String dictionary =
        "{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }"
            .formatted(type.descr(), elements);
    int prefix = MAGIC.length + 4;
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    header.put(MAGIC).put((byte) 1).put((byte) 0).putShort((short) (HEADER_BYTES - prefix));
    header.put(dictionary.getBytes(StandardCharsets.US_ASCII));
    while (header.remaining() > 1) {
      header.put((byte) ' ');
    }
    header.put((byte) '\n');
    return header.array();
  }

  /**
   * Reads the header at the start of a file and checks that the file has exactly the length that it
   * announces.
   *
   * @param path the file to name in messages
   */
  public static Header read(SeekableByteChannel channel, String path) throws IOException {
    long size = channel.size();
    ByteBuffer start = ByteBuffer.allocate((int) Math.min(size, MAX_HEADER_BYTES));
    Channels.readFully(channel, 0, start, path);
    Header header = parse(start.array(), path);
    long expected = header.dataOffset + header.elements * header.type.bytes();
    if (size != expected) {
      throw new CorruptFileException(
          "Cannot read %s: it is %d bytes long, its header announces %d"
              .formatted(path, size, expected));
    }
    return header;
  }

  /**
   * The header that the first bytes of a file are.
   *
   * @param start all of the file, or at least its first 64 KiB
   */
  static Header parse(byte[] start, String path) throws CorruptFileException {
    for (int i = 0; i < MAGIC.length + 2; i++) {
      if (start.length <= i || (i < MAGIC.length && start[i] != MAGIC[i])) {
        throw new CorruptFileException(
            "Cannot read %s: no NumPy array, byte %d differs".formatted(path, i));
      }
    }
    int version = start[MAGIC.length];
    if (version < 1 || version > 3) {
      throw new CorruptFileException(
          "Cannot read %s: version %d of NumPy's format is unknown".formatted(path, version));
    }
    int prefix = MAGIC.length + 2 + (version == 1 ? 2 : 4);
    if (start.length < prefix) {
      throw new CorruptFileException(
          "Cannot read %s: it ends at byte %d in its header".formatted(path, start.length));
    }
    ByteBuffer buffer = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN);
    long length =
        version == 1
            ? Short.toUnsignedInt(buffer.getShort(MAGIC.length + 2))
            : Integer.toUnsignedLong(buffer.getInt(MAGIC.length + 2));
    if (length > Math.min(start.length, MAX_HEADER_BYTES) - prefix) {
      throw new CorruptFileException(
          "Cannot read %s: its header of %d bytes is too long".formatted(path, length));
    }
    String dictionary = new String(start, prefix, (int) length, StandardCharsets.ISO_8859_1);
    String descr = find(DESCR, dictionary, path);
    find(ORDER, dictionary, path); // the same for one dimension
    long elements = Long.parseLong(find(SHAPE, dictionary, path));
    for (ElementType type : ElementType.values()) {
      if (type.descr().equals(descr)) {
        if (elements > (Long.MAX_VALUE - MAX_HEADER_BYTES) / type.bytes()) {
          throw new CorruptFileException(
              "Cannot read %s: an array of %d elements is too long".formatted(path, elements));
        }
        return new Header(type, elements, prefix + (int) length);
      }
    }
    throw new CorruptFileException(
        "Cannot read %s: its elements are \"%s\", expected <u2, <i4, <i8 or <f4"
            .formatted(path, descr));
  }

  private static String find(Pattern pattern, String dictionary, String path)
      throws CorruptFileException {
    Matcher matcher = pattern.matcher(dictionary);
    if (!matcher.find()) {
      throw new CorruptFileException(
          "Cannot read %s: no one-dimensional array, its header has no %s"
              .formatted(path, pattern));
    }
    return matcher.group(1);
  }
}
