package org.sparkrnn.common.storage;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.sparkrnn.common.errors.CorruptFileException;

/**
 * A JSON object that ends with its own checksum: its last field {@code sha256} is the SHA-256 of
 * the same text without that field. A manifest that is cut short or changed is recognised.
 */
public final class SealedJson {
  private static final byte[] END = ascii("\n}\n");
  private static final byte[] SEAL = ascii(",\n  \"sha256\" : \"");
  private static final byte[] SEALED_END = ascii("\"\n}\n");
  private static final int DIGITS = 64;

  private SealedJson() {}

  /** The sealed text of an object with at least one field. */
  public static byte[] bytes(Map<String, ?> object) {
    if (object.isEmpty() || object.containsKey("sha256")) {
      throw new IllegalArgumentException("Cannot seal an object with fields " + object.keySet());
    }
    byte[] text = Json.bytes(object);
    byte[] digits = ascii(Checksums.sha256Hex(text));
    return join(Arrays.copyOf(text, text.length - END.length), SEAL, digits, SEALED_END);
  }

  /**
   * The object in a sealed text.
   *
   * @param path the file to name in the message
   * @throws CorruptFileException if the seal is missing or broken
   */
  public static JsonObject parse(byte[] sealed, String path) throws CorruptFileException {
    int sealAt = sealed.length - SEAL.length - DIGITS - SEALED_END.length;
    if (sealAt < 1
        || !startsAt(sealed, sealAt, SEAL)
        || !startsAt(sealed, sealed.length - SEALED_END.length, SEALED_END)) {
      throw new CorruptFileException(
          "Cannot read %s: it does not end with its checksum".formatted(path));
    }
    int digitsAt = sealAt + SEAL.length;
    String expected = new String(sealed, digitsAt, DIGITS, StandardCharsets.US_ASCII);
    String actual = Checksums.sha256Hex(join(Arrays.copyOf(sealed, sealAt), END));
    if (!actual.equals(expected)) {
      throw new CorruptFileException(
          "Cannot read %s: its SHA-256 is %s, it says %s".formatted(path, actual, expected));
    }
    return Json.parse(sealed, path);
  }

  private static boolean startsAt(byte[] bytes, int at, byte[] prefix) {
    return Arrays.equals(bytes, at, at + prefix.length, prefix, 0, prefix.length);
  }

  private static byte[] join(byte[]... parts) {
    java.io.ByteArrayOutputStream joined = new java.io.ByteArrayOutputStream();
    for (byte[] part : parts) {
      joined.writeBytes(part);
    }
    return joined.toByteArray();
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
