package org.sparkrnn.common.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.NoSuchFileException;
import java.security.MessageDigest;
import java.util.HashSet;
import java.util.OptionalLong;
import java.util.Set;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.Checksums;
import org.sparkrnn.common.storage.Files;

/** A checkpoint that is there: a directory with a manifest. Files are verified before use. */
public final class Checkpoint {
  private static final int BUFFER_BYTES = 1 << 20;

  private final Files files;
  private final String path;
  private final CheckpointManifest manifest;
  private final Set<String> verified = new HashSet<>();

  private Checkpoint(Files files, String path, CheckpointManifest manifest) {
    this.files = files;
    this.path = path;
    this.manifest = manifest;
  }

  /**
   * Reads the manifest of a directory, and nothing else yet.
   *
   * @throws NoSuchFileException if there is none: this is no checkpoint
   * @throws CorruptFileException if it is damaged, or that of another step
   */
  static Checkpoint read(Files files, String path, long step) throws IOException {
    String file = Files.join(path, CheckpointManifest.FILE);
    CheckpointManifest manifest =
        CheckpointManifest.parse(
            Channels.readAll(files, file, CheckpointManifest.MAX_FILE_BYTES), file);
    if (manifest.step() != step) {
      throw new CorruptFileException(
          "Cannot read %s: it is that of step %d".formatted(file, manifest.step()));
    }
    return new Checkpoint(files, path, manifest);
  }

  /** The directory. */
  public String path() {
    return path;
  }

  /** Local steps since the start of training. */
  public long step() {
    return manifest.step();
  }

  /** The best step of the run as far as this checkpoint knows. */
  public OptionalLong bestStep() {
    return manifest.bestStep();
  }

  /** The names of its files, sorted. */
  public Set<String> names() {
    return manifest.files().keySet();
  }

  public boolean has(String name) {
    return manifest.files().containsKey(name);
  }

  /** The path of one of its files, to name in messages. */
  public String pathOf(String name) {
    return Files.join(path, name);
  }

  /**
   * Opens a file after comparing its size and SHA-256 with the manifest's.
   *
   * @throws CorruptFileException if it is damaged or the manifest does not list it
   */
  public SeekableByteChannel open(String name) throws IOException {
    CheckpointManifest.Part part = part(name);
    SeekableByteChannel channel = openUnverified(name);
    try {
      if (!verified.contains(name)) {
        verify(channel, name, part);
        verified.add(name);
      }
      channel.position(0);
      return channel;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /**
   * All bytes of a file, verified.
   *
   * @throws CorruptFileException as {@link #open} does, or if it is longer than {@code limit}
   */
  public byte[] bytes(String name, int limit) throws IOException {
    try (SeekableByteChannel channel = open(name)) {
      return Channels.readAll(channel, pathOf(name), limit);
    }
  }

  /** Verifies every file that has not been yet. */
  public void verify() throws IOException {
    for (String name : names()) {
      if (!verified.contains(name)) {
        open(name).close();
      }
    }
  }

  private CheckpointManifest.Part part(String name) throws CorruptFileException {
    CheckpointManifest.Part part = manifest.files().get(name);
    if (part == null) {
      throw new CorruptFileException(
          "Cannot read %s: the checkpoint has only %s".formatted(pathOf(name), names()));
    }
    return part;
  }

  private SeekableByteChannel openUnverified(String name) throws IOException {
    try {
      return files.open(pathOf(name));
    } catch (NoSuchFileException e) {
      throw new CorruptFileException(
          "Cannot read %s: it is missing, the manifest lists it".formatted(pathOf(name)), e);
    }
  }

  private void verify(SeekableByteChannel channel, String name, CheckpointManifest.Part part)
      throws IOException {
    if (channel.size() != part.bytes()) {
      throw new CorruptFileException(
          "Cannot read %s: it is %d bytes long, the manifest says %d"
              .formatted(pathOf(name), channel.size(), part.bytes()));
    }
    MessageDigest digest = Checksums.sha256();
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
    for (long position = 0; position < part.bytes(); position += buffer.limit()) {
      buffer.clear().limit((int) Math.min(BUFFER_BYTES, part.bytes() - position));
      Channels.readFully(channel, position, buffer, pathOf(name));
      digest.update(buffer.flip());
    }
    String actual = Checksums.hex(digest);
    if (!actual.equals(part.sha256())) {
      throw new CorruptFileException(
          "Cannot read %s: its SHA-256 is %s, the manifest says %s"
              .formatted(pathOf(name), actual, part.sha256()));
    }
  }
}
