package org.sparkrnn.common.storage;

import java.util.regex.Pattern;
import org.sparkrnn.common.errors.CorruptFileException;

/** Names in manifests: relative, and unable to leave the manifest's directory. */
public final class SafeName {
  // No segment begins with a dot, so that neither ".." nor a hidden file can be meant.
  private static final Pattern SAFE =
      Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*");

  private SafeName() {}

  public static boolean isSafe(String name) {
    return name.length() <= 255 && SAFE.matcher(name).matches();
  }

  /**
   * Returns the name.
   *
   * @param manifest the file it was read from
   * @throws CorruptFileException if it could lead out of the directory
   */
  public static String require(String name, String manifest) throws CorruptFileException {
    if (!isSafe(name)) {
      throw new CorruptFileException(
          "Cannot read %s: it names a file \"%s\" that may not be in its directory"
              .formatted(manifest, name));
    }
    return name;
  }
}
