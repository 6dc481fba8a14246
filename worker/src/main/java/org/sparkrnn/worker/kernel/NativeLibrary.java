package org.sparkrnn.worker.kernel;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Loads the native library that the jar carries, once per class loader: it is extracted under a
 * random name into a new directory that only this user can enter, checked against its hash, loaded
 * and unlinked.
 *
 * <p>The directory is made in {@code java.io.tmpdir}, or in the one that the system property
 * {@value #DIRECTORY} names: for hosts whose temporary directory is mounted {@code noexec}.
 */
final class NativeLibrary {
  /** System property: where the library is extracted to. */
  static final String DIRECTORY = "sparkrnn.native.directory";

  private static final String FILE = "libsparkrnn.so";
  private static final Optional<String> FAILURE = load();

  private NativeLibrary() {}

  /** Why the library is not there; empty if it is. */
  static Optional<String> loadFailure() {
    return FAILURE;
  }

  /**
   * Makes sure that the library is there.
   *
   * @throws IllegalStateException with the reason why it is not
   */
  static void require() {
    if (FAILURE.isPresent()) {
      throw new IllegalStateException("Cannot use the native kernel: " + FAILURE.get());
    }
  }

  private static Optional<String> load() {
    String resource = platform() + "/" + FILE;
    try (InputStream library = NativeLibrary.class.getResourceAsStream(resource);
        InputStream hash = NativeLibrary.class.getResourceAsStream(resource + ".sha256")) {
      if (library == null || hash == null) {
        return Optional.of("this build has no library for " + platform());
      }
      String expected = new String(hash.readAllBytes(), StandardCharsets.US_ASCII).strip();
      return load(library.readAllBytes(), expected);
    } catch (IOException | NoSuchAlgorithmException | RuntimeException failure) {
      return Optional.of("the library could not be extracted (" + failure + "); see " + DIRECTORY);
    } catch (UnsatisfiedLinkError failure) {
      return Optional.of(
          "the library could not be loaded (%s); a directory that allows execution can be set with -D%s"
              .formatted(failure.getMessage(), DIRECTORY));
    }
  }

  /** The folder of this platform's library. */
  private static String platform() {
    String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String machine = System.getProperty("os.arch", "");
    return system + "-" + (machine.equals("amd64") ? "x86_64" : machine);
  }

  private static Optional<String> load(byte[] library, String expectedHash)
      throws IOException, NoSuchAlgorithmException {
    Path directory = privateDirectory();
    Path file = directory.resolve(FILE);
    try {
      writePrivate(file, library);
      // Read back: a full disk or another writer would show here, not as a crash later.
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
      String actual = HexFormat.of().formatHex(hash);
      if (!actual.equals(expectedHash)) {
        return Optional.of("its checksum is %s, expected %s".formatted(actual, expectedHash));
      }
      System.load(file.toString());
      return Optional.empty();
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(directory);
    }
  }

  /** Makes a directory that nobody else can enter, under a random name. */
  static Path privateDirectory() throws IOException {
    String parent = System.getProperty(DIRECTORY, System.getProperty("java.io.tmpdir"));
    return Files.createTempDirectory(Path.of(parent), "sparkrnn-", permissions("rwx------"))
        .toAbsolutePath();
  }

  /** Writes a new file that nobody else can open. */
  static void writePrivate(Path file, byte[] bytes) throws IOException {
    Set<StandardOpenOption> newFile =
        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    try (OutputStream out =
        Channels.newOutputStream(Files.newByteChannel(file, newFile, permissions("rw-------")))) {
      out.write(bytes);
    }
  }

  private static FileAttribute<Set<PosixFilePermission>> permissions(String owner) {
    return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(owner));
  }
}
