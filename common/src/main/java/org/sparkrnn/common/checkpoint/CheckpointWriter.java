package org.sparkrnn.common.checkpoint;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.Checksums;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.common.storage.SafeName;

/**
 * Writes one checkpoint: its files one after the other, and last, with {@link #commit}, the
 * manifest that makes them a checkpoint. Without it the directory does not count and is removed
 * when the same step is written again.
 */
public final class CheckpointWriter {
  private static final String PARTIAL = CheckpointManifest.FILE + ".partial";

  private final Files files;
  private final String path;
  private final long step;
  private final Ownership ownership;
  private final LongConsumer onCommit;
  private final Map<String, CheckpointManifest.Part> parts = new TreeMap<>();
  private final Set<String> names = new HashSet<>();
  private long bestStep = -1;
  private int open;
  private boolean committed;

  /**
   * @param ownership asked for before the manifest gets its name
   * @param onCommit told of the step once it is there
   */
  CheckpointWriter(
      Files files, String path, long step, Ownership ownership, LongConsumer onCommit) {
    this.files = files;
    this.path = path;
    this.step = step;
    this.ownership = ownership;
    this.onCommit = onCommit;
  }

  /** The directory. */
  public String path() {
    return path;
  }

  /** Creates a file of the checkpoint; the caller closes the stream. */
  public OutputStream add(String name) throws IOException {
    return new HashingOutputStream(name, create(name));
  }

  /** Adds a file with these bytes. */
  public void add(String name, byte[] bytes) throws IOException {
    try (OutputStream out = add(name)) {
      out.write(bytes);
    }
  }

  /**
   * Adds a file that the manifest does not list, because it says where and when the run was ({@code
   * run.json}) and so differs between runs whose checkpoints are equal.
   */
  public void addUnlisted(String name, byte[] bytes) throws IOException {
    try (OutputStream out = create(name)) {
      out.write(bytes);
    }
  }

  /** Records the best step of the run so far, which may be this one. */
  public void bestStep(long step) {
    bestStep = step;
  }

  /**
   * Writes the manifest: from now on the checkpoint is there.
   *
   * @throws java.nio.file.FileAlreadyExistsException if another writer was faster
   */
  public Checkpoint commit() throws IOException {
    if (open > 0 || committed) {
      throw new IllegalStateException(
          "Cannot commit %s: %s".formatted(path, committed ? "it is" : open + " files are open"));
    }
    committed = true;
    String partial = Files.join(path, PARTIAL);
    CheckpointManifest manifest = new CheckpointManifest(step, bestStep, parts);
    Channels.writeAll(files, partial, manifest.toJson());
    ownership.require();
    files.renameNoOverwrite(partial, Files.join(path, CheckpointManifest.FILE));
    onCommit.accept(step);
    return Checkpoint.read(files, path, step);
  }

  private OutputStream create(String name) throws IOException {
    if (!SafeName.isSafe(name) || name.startsWith(CheckpointManifest.FILE) || !names.add(name)) {
      throw new IllegalArgumentException(
          "Cannot add %s to checkpoint %s: its name is not free".formatted(name, path));
    }
    return files.create(Files.join(path, name));
  }

  /** Counts and digests; the file counts as part of the checkpoint once it has been closed. */
  private final class HashingOutputStream extends FilterOutputStream {
    private final String name;
    private final MessageDigest digest = Checksums.sha256();
    private long bytes;
    private boolean closed;

    HashingOutputStream(String name, OutputStream out) {
      super(out);
      this.name = name;
      open++;
    }

    @Override
    public void write(int value) throws IOException {
      out.write(value);
      digest.update((byte) value);
      bytes++;
    }

    @Override
    public void write(byte[] source, int from, int count) throws IOException {
      out.write(source, from, count);
      digest.update(source, from, count);
      bytes += count;
    }

    @Override
    public void close() throws IOException {
      if (closed) {
        return;
      }
      closed = true;
      out.close(); // a failure leaves the file open in the count: nothing can be committed
      open--;
      parts.put(name, new CheckpointManifest.Part(bytes, Checksums.hex(digest)));
    }
  }
}
