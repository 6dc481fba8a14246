package org.sparkrnn.common.storage;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Damages the bytes of a file as accidents and attackers do. */
public final class Mutator {
  private static final Pattern NUMBER =
      Pattern.compile("(?<=[\\s:=,(\\[])-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?");
  private static final Pattern STRING = Pattern.compile("\"[^\"\\n]*\"");
  private static final Pattern FIELD = Pattern.compile("\"[^\"\\n]*\" ?: ?[^\\n,{}]*,?");

  private static final List<String> NUMBERS =
      List.of(
          "-1",
          "0",
          "1",
          "65536",
          "2147483647",
          "2147483648",
          "4294967296",
          "4503599627370496",
          "9223372036854775807",
          "-9223372036854775808",
          "9223372036854775808",
          "1e999",
          "1e999999999",
          "1E-999999999",
          "0.1",
          "NaN",
          "9".repeat(40),
          "9".repeat(20_000));

  private static final List<String> TEXTS =
      List.of(
          "..",
          "../manifest.json",
          "/etc/passwd",
          "a/../../b",
          "a//b",
          "./a",
          ".a",
          "",
          "file:///etc/passwd",
          "hdfs://host/x",
          "C:\\\\x",
          "a\\u0000b",
          "\\ud800",
          "\\u001b[2J",
          "manifest.json",
          "x".repeat(300),
          "x".repeat(100_000),
          "${HOME}",
          "\" \"");

  private static final List<byte[]> NO_UTF8 =
      List.of(
          new byte[] {(byte) 0xc0, (byte) 0x80},
          new byte[] {(byte) 0xff, (byte) 0xfe},
          new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
          new byte[] {(byte) 0xf5, (byte) 0x80, (byte) 0x80, (byte) 0x80},
          new byte[] {(byte) 0xef, (byte) 0xbb, (byte) 0xbf},
          new byte[] {(byte) 0xe2, (byte) 0x82},
          new byte[] {0});

  private static final List<String> OPENING =
      List.of("[", "{\"a\":", "a{", "a.", "(", "${", "\"\"\"", "include ");
  private static final int[] DEPTHS = {2, 10, 999, 1001, 20_000};

  private static final long[] LENGTHS = {
    -1,
    0,
    1,
    8,
    127,
    128,
    65_535,
    99_999_999,
    100_000_000,
    100_000_001,
    Integer.MAX_VALUE,
    1L << 31,
    1L << 32,
    1L << 52,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };

  private final Random random;

  public Mutator(Random random) {
    this.random = random;
  }

  /**
   * A file that differs in one to three places. Half of them are still texts of their grammar, with
   * other values: what is behind the parser is to be tested too.
   */
  public byte[] mutate(byte[] good) {
    boolean grammatical = random.nextBoolean();
    byte[] bytes = good.clone();
    for (int changes = random.nextInt(3); changes >= 0; changes--) {
      bytes = grammatical ? withOtherValue(bytes) : change(bytes);
    }
    return bytes;
  }

  /** A file of the same length that differs in a few bytes. */
  public byte[] mutateInPlace(byte[] good) {
    byte[] bytes = good.clone();
    for (int changes = random.nextInt(4); changes >= 0; changes--) {
      flip(bytes);
    }
    return bytes;
  }

  private byte[] change(byte[] bytes) {
    return switch (random.nextInt(10)) {
      case 0 -> mutateInPlace(bytes);
      case 1 -> Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
      case 2 -> insert(bytes, someOf(bytes));
      case 3 -> without(bytes);
      case 4 -> insert(bytes, garbage());
      case 5 -> withLength(bytes);
      case 6 -> withOtherValue(bytes);
      case 7 -> twice(bytes);
      case 8 -> insert(bytes, NO_UTF8.get(random.nextInt(NO_UTF8.size())));
      default -> nested(bytes);
    };
  }

  private byte[] withOtherValue(byte[] bytes) {
    return switch (random.nextInt(4)) {
      case 0, 1 -> replace(bytes, NUMBER, NUMBERS.get(random.nextInt(NUMBERS.size())));
      case 2 -> replace(bytes, STRING, '"' + TEXTS.get(random.nextInt(TEXTS.size())) + '"');
      default ->
          replace(
              bytes,
              random.nextBoolean() ? STRING : NUMBER,
              List.of("null", "true", "[]", "{}", "[[1]]").get(random.nextInt(5)));
    };
  }

  private void flip(byte[] bytes) {
    if (bytes.length > 0) {
      int at = position(bytes);
      bytes[at] =
          switch (random.nextInt(3)) {
            case 0 -> (byte) random.nextInt();
            case 1 -> (byte) ('0' + random.nextInt(10));
            default -> (byte) (bytes[at] ^ (1 << random.nextInt(8)));
          };
    }
  }

  /** Half of them in the first bytes, where headers and lengths are. */
  private int position(byte[] bytes) {
    return random.nextInt(random.nextBoolean() ? Math.min(64, bytes.length) : bytes.length);
  }

  private byte[] insert(byte[] bytes, byte[] what) {
    int at = random.nextInt(bytes.length + 1);
    return join(Arrays.copyOf(bytes, at), what, Arrays.copyOfRange(bytes, at, bytes.length));
  }

  private byte[] someOf(byte[] bytes) {
    int from = random.nextInt(bytes.length + 1);
    return Arrays.copyOfRange(bytes, from, from + random.nextInt(bytes.length - from + 1));
  }

  private byte[] without(byte[] bytes) {
    int from = random.nextInt(bytes.length + 1);
    int to = from + random.nextInt(bytes.length - from + 1);
    return join(Arrays.copyOf(bytes, from), Arrays.copyOfRange(bytes, to, bytes.length));
  }

  private byte[] garbage() {
    byte[] garbage = new byte[random.nextInt(100)];
    random.nextBytes(garbage);
    return garbage;
  }

  /** An extreme binary length in 2, 4 or 8 bytes. */
  private byte[] withLength(byte[] bytes) {
    int size = 2 << random.nextInt(3);
    if (bytes.length < size) {
      return bytes;
    }
    int at = random.nextInt(random.nextBoolean() ? 1 : Math.min(64, bytes.length - size + 1));
    long length = LENGTHS[random.nextInt(LENGTHS.length)];
    byte[] changed = bytes.clone();
    ByteBuffer whole = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
    System.arraycopy(whole.array(), 0, changed, at, size);
    return changed;
  }

  private byte[] replace(byte[] bytes, Pattern pattern, String by) {
    String text = new String(bytes, ISO_8859_1);
    List<MatchResult> matches = pattern.matcher(text).results().limit(1000).toList();
    if (matches.isEmpty()) {
      return bytes;
    }
    MatchResult match = matches.get(random.nextInt(matches.size()));
    return (text.substring(0, match.start()) + by + text.substring(match.end()))
        .getBytes(ISO_8859_1);
  }

  /** A duplicate key. */
  private byte[] twice(byte[] bytes) {
    String text = new String(bytes, ISO_8859_1);
    List<MatchResult> matches = FIELD.matcher(text).results().limit(1000).toList();
    if (matches.isEmpty()) {
      return bytes;
    }
    MatchResult match = matches.get(random.nextInt(matches.size()));
    String field = match.group().endsWith(",") ? match.group() : match.group() + ",";
    return (text.substring(0, match.start()) + field + text.substring(match.start()))
        .getBytes(ISO_8859_1);
  }

  private byte[] nested(byte[] bytes) {
    String opening = OPENING.get(random.nextInt(OPENING.size()));
    int depth = DEPTHS[random.nextInt(DEPTHS.length)];
    byte[] nest = opening.repeat(depth).getBytes(ISO_8859_1);
    return random.nextBoolean() ? insert(bytes, nest) : join(nest, bytes);
  }

  private static byte[] join(byte[]... parts) {
    List<byte[]> all = new ArrayList<>(List.of(parts));
    ByteBuffer joined = ByteBuffer.allocate(all.stream().mapToInt(part -> part.length).sum());
    all.forEach(joined::put);
    return joined.array();
  }
}
