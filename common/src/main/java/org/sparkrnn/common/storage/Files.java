package org.sparkrnn.common.storage;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.SeekableByteChannel;
import java.util.List;

/**
 * The few file operations that corpora and checkpoints need, chosen so that local disks, HDFS and
 * object stores can all provide them.
 *
 * <p>Paths are strings, local paths or URIs, joined with {@code /}. Implementations may be used by
 * several threads; the channels and streams they return may not.
 */
public interface Files {
  /**
   * Opens a file for reading; its {@code size()} is the file's.
   *
   * @throws java.nio.file.NoSuchFileException if there is none
   */
  SeekableByteChannel open(String path) throws IOException;

  /**
   * Creates or overwrites a file, and its parent directories. Its bytes survive a crash of the
   * machine once {@code close()} has returned.
   */
  OutputStream create(String path) throws IOException;

  boolean exists(String path) throws IOException;

  /**
   * The entries of a directory, sorted by name.
   *
   * @throws java.nio.file.NoSuchFileException if there is no such directory
   */
  List<FileEntry> list(String directory) throws IOException;

  /**
   * Renames a file; directories are never renamed.
   *
   * @throws java.nio.file.FileAlreadyExistsException if {@code to} exists, which then is untouched
   */
  void renameNoOverwrite(String from, String to) throws IOException;

  /** Deletes a file, or a directory with all that is in it; what is missing is fine. */
  void delete(String path) throws IOException;

  /**
   * Whether a path is a link to something else. Deleting a link leaves what it leads to, but what
   * is deleted by a path through it is deleted there.
   */
  boolean isLink(String path) throws IOException;

  /** Creates a directory and its parents; what exists is fine. */
  void createDirectories(String path) throws IOException;

  /**
   * Writes a file anew by way of {@link #partial}: whoever opens it sees the whole of the old or of
   * the new content, or for a moment no file. A crash in that moment leaves the partial file.
   */
  default void replace(String path, byte[] content) throws IOException {
    Channels.writeAll(this, partial(path), content);
    delete(path);
    renameNoOverwrite(partial(path), path);
  }

  /** The temporary name of {@link #replace}. */
  static String partial(String path) {
    return path + ".partial";
  }

  /** Joins a directory and a name with exactly one slash. */
  static String join(String directory, String name) {
    return directory.endsWith("/") ? directory + name : directory + "/" + name;
  }
}
