package org.sparkrnn.common.storage;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sparkrnn.common.errors.BadInputException;

/**
 * Files of this machine, without Hadoop: plain paths and {@code file:} URIs. Data and directories
 * are forced to disk, and nothing (no checksum file) is written beside what was asked for.
 */
public final class LocalFiles implements Files {
  private static final Pattern OTHER_SCHEME = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]+:.*");

  @Override
  public SeekableByteChannel open(String path) throws IOException {
    Path file = local(path);
    if (java.nio.file.Files.isDirectory(file)) {
      throw new FileSystemException(path, null, "is a directory");
    }
    try {
      return FileChannel.open(file, READ);
    } catch (AccessDeniedException e) {
      throw denied(path, e);
    }
  }

  @Override
  public OutputStream create(String path) throws IOException {
    Path file = local(path).toAbsolutePath();
    try {
      createDirectoriesDurably(file.getParent());
      return new DurableOutputStream(
          file, FileChannel.open(file, CREATE, WRITE, TRUNCATE_EXISTING));
    } catch (AccessDeniedException e) {
      throw denied(path, e);
    }
  }

  @Override
  public boolean exists(String path) throws AccessDeniedException {
    Path local = local(path);
    try {
      local.getFileSystem().provider().checkAccess(local);
      return true;
    } catch (AccessDeniedException e) {
      throw denied(path, e); // behind a folder that may not be read there may be anything
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public List<FileEntry> list(String directory) throws IOException {
    Path local = local(directory);
    List<FileEntry> entries = new ArrayList<>();
    try (Stream<Path> children = java.nio.file.Files.list(local)) {
      for (Path child : (Iterable<Path>) children::iterator) {
        String name = String.valueOf(child.getFileName());
        boolean isDirectory = java.nio.file.Files.isDirectory(child);
        entries.add(
            new FileEntry(
                Files.join(directory, name), name, isDirectory ? 0 : sizeOf(child), isDirectory));
      }
    } catch (NotDirectoryException e) {
      throw new NoSuchFileException(directory, null, "not a directory");
    }
    entries.sort(Comparator.comparing(FileEntry::name));
    return List.copyOf(entries);
  }

  @Override
  public void renameNoOverwrite(String from, String to) throws IOException {
    Path source = local(from).toAbsolutePath();
    Path target = local(to).toAbsolutePath();
    try {
      // link(2) is the only portable call that creates a name if and only if it is free.
      java.nio.file.Files.createLink(target, source);
      java.nio.file.Files.delete(source);
    } catch (FileAlreadyExistsException | NoSuchFileException e) {
      throw e;
    } catch (FileSystemException | UnsupportedOperationException e) {
      java.nio.file.Files.move(source, target); // a file system without hard links
    }
    forceDirectory(target.getParent());
  }

  @Override
  public void delete(String path) throws IOException {
    Path root = local(path);
    if (!java.nio.file.Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    java.nio.file.Files.walkFileTree(
        root,
        new SimpleFileVisitor<Path>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            java.nio.file.Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            java.nio.file.Files.deleteIfExists(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  @Override
  public boolean isLink(String path) {
    return java.nio.file.Files.isSymbolicLink(local(path));
  }

  @Override
  public void createDirectories(String path) throws IOException {
    try {
      createDirectoriesDurably(local(path).toAbsolutePath());
    } catch (AccessDeniedException e) {
      throw denied(path, e);
    }
  }

  /** Java's own exception has the path for its whole message. */
  private static AccessDeniedException denied(String path, AccessDeniedException cause) {
    AccessDeniedException denied = new AccessDeniedException(path, null, "permission denied");
    denied.initCause(cause);
    return denied;
  }

  /** The path of this machine's file system that a path or {@code file:} URI means. */
  private static Path local(String path) {
    if (path.startsWith("file:")) {
      String rest = path.substring("file:".length());
      return Path.of(rest.startsWith("//") ? rest.substring(rest.indexOf('/', 2)) : rest);
    }
    if (OTHER_SCHEME.matcher(path).matches()) {
      throw new BadInputException(
          "Cannot use %s: only local files can be reached here".formatted(path));
    }
    return Path.of(path);
  }

  private static long sizeOf(Path file) throws IOException {
    try {
      return java.nio.file.Files.size(file);
    } catch (NoSuchFileException e) {
      return 0; // a dangling link, or deleted meanwhile
    }
  }

  private static void createDirectoriesDurably(@Nullable Path directory) throws IOException {
    if (directory == null || java.nio.file.Files.isDirectory(directory)) {
      return;
    }
    Path parent = directory.getParent();
    createDirectoriesDurably(parent);
    try {
      java.nio.file.Files.createDirectory(directory);
    } catch (FileAlreadyExistsException e) {
      if (!java.nio.file.Files.isDirectory(directory)) {
        throw e;
      }
    }
    forceDirectory(parent);
  }

  private static void forceDirectory(@Nullable Path directory) throws IOException {
    if (directory == null) {
      return;
    }
    try (FileChannel channel = FileChannel.open(directory, READ)) {
      channel.force(true);
    } catch (AccessDeniedException e) {
      // A directory that may be written but not read cannot be forced; the file itself has been.
    }
  }

  /** Buffers, and forces data and directory entry to disk when closed. */
  private static final class DurableOutputStream extends OutputStream {
    private final Path file;
    private final FileChannel channel;
    private final OutputStream buffered;

    DurableOutputStream(Path file, FileChannel channel) {
      this.file = file;
      this.channel = channel;
      this.buffered = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
    }

    @Override
    public void write(int value) throws IOException {
      try {
        buffered.write(value);
      } catch (IOException e) {
        throw failed(e);
      }
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
      try {
        buffered.write(bytes, from, count);
      } catch (IOException e) {
        throw failed(e);
      }
    }

    @Override
    public void flush() throws IOException {
      try {
        buffered.flush();
      } catch (IOException e) {
        throw failed(e);
      }
    }

    @Override
    public void close() throws IOException {
      if (!channel.isOpen()) {
        return;
      }
      try (channel) {
        buffered.flush();
        channel.force(true);
      } catch (IOException e) {
        throw failed(e);
      }
      forceDirectory(file.getParent());
    }

    /** The system says that no space is left, but not where. */
    private IOException failed(IOException cause) {
      return new IOException("Cannot write %s: %s".formatted(file, cause.getMessage()), cause);
    }
  }
}
