package org.sparkrnn.driver.storage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.sparkrnn.common.storage.FileEntry;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.common.storage.LocalFiles;

/**
 * Files of any Hadoop file system; a path without a scheme is on {@code fs.defaultFS}.
 *
 * <p>Local paths go to {@link LocalFiles}: Hadoop's own local file system writes {@code .crc} files
 * beside ours, overwrites on rename and does not force data to disk. Serializable, so that tasks
 * reach the same file systems as the driver.
 */
public final class HadoopFiles implements Files, Serializable {
  private static final Pattern SCHEME = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]+):.*");

  private transient Configuration configuration;
  private transient LocalFiles local;

  public HadoopFiles(Configuration configuration) {
    this.configuration = configuration;
    this.local = new LocalFiles();
  }

  /** What this was made with; not to be changed. */
  public Configuration configuration() {
    return configuration;
  }

  @Override
  public SeekableByteChannel open(String path) throws IOException {
    if (isLocal(path)) {
      return local.open(path);
    }
    Path file = new Path(path);
    FileSystem fileSystem = fileSystem(file);
    try {
      FileStatus status = fileSystem.getFileStatus(file);
      if (status.isDirectory()) {
        throw new IOException("Cannot open %s: it is a directory".formatted(path));
      }
      return new HadoopChannel(fileSystem.open(file), status.getLen());
    } catch (FileNotFoundException e) {
      throw missing(path, e);
    }
  }

  @Override
  public OutputStream create(String path) throws IOException {
    if (isLocal(path)) {
      return local.create(path);
    }
    Path file = new Path(path);
    return new DurableOutputStream(fileSystem(file).create(file, true));
  }

  @Override
  public boolean exists(String path) throws IOException {
    if (isLocal(path)) {
      return local.exists(path);
    }
    Path file = new Path(path);
    return fileSystem(file).exists(file);
  }

  @Override
  public List<FileEntry> list(String directory) throws IOException {
    if (isLocal(directory)) {
      return local.list(directory);
    }
    Path path = new Path(directory);
    FileSystem fileSystem = fileSystem(path);
    List<FileEntry> entries = new ArrayList<>();
    try {
      if (!fileSystem.getFileStatus(path).isDirectory()) {
        throw new NoSuchFileException(directory, null, "not a directory");
      }
      for (FileStatus status : fileSystem.listStatus(path)) {
        String name = status.getPath().getName();
        boolean isDirectory = status.isDirectory();
        entries.add(
            new FileEntry(
                Files.join(directory, name), name, isDirectory ? 0 : status.getLen(), isDirectory));
      }
    } catch (FileNotFoundException e) {
      throw missing(directory, e);
    }
    entries.sort(Comparator.comparing(FileEntry::name));
    return List.copyOf(entries);
  }

  @Override
  public void renameNoOverwrite(String from, String to) throws IOException {
    if (isLocal(from) && isLocal(to)) {
      local.renameNoOverwrite(from, to);
      return;
    }
    Path source = new Path(from);
    Path target = new Path(to);
    try {
      FileContext context = FileContext.getFileContext(fileSystem(source).getUri(), configuration);
      context.rename(source, target, Rename.NONE);
    } catch (UnsupportedFileSystemException e) {
      renameOnOldFileSystem(source, target);
    } catch (org.apache.hadoop.fs.FileAlreadyExistsException e) {
      throw withCause(new FileAlreadyExistsException(to), e);
    } catch (FileNotFoundException e) {
      throw missing(from, e);
    }
  }

  @Override
  public void delete(String path) throws IOException {
    if (isLocal(path)) {
      local.delete(path);
      return;
    }
    Path file = new Path(path);
    FileSystem fileSystem = fileSystem(file);
    if (!fileSystem.delete(file, true) && fileSystem.exists(file)) {
      throw new IOException("Cannot delete %s: the file system refused".formatted(path));
    }
  }

  @Override
  public boolean isLink(String path) throws IOException {
    return isLocal(path) && local.isLink(path);
  }

  @Override
  public void createDirectories(String path) throws IOException {
    if (isLocal(path)) {
      local.createDirectories(path);
      return;
    }
    Path directory = new Path(path);
    if (!fileSystem(directory).mkdirs(directory)) {
      throw new IOException("Cannot create directory %s: the file system refused".formatted(path));
    }
  }

  /** Whether a path means a file of this machine. */
  public boolean isLocal(String path) {
    var matcher = SCHEME.matcher(path);
    String scheme =
        matcher.matches() ? matcher.group(1) : FileSystem.getDefaultUri(configuration).getScheme();
    return scheme.equals("file");
  }

  /**
   * The path that means the same in every process: a local path without its scheme made absolute,
   * another unchanged.
   */
  public String absolute(String path) {
    if (!isLocal(path) || path.startsWith("file:")) {
      return path;
    }
    java.nio.file.Path absolute = java.nio.file.Path.of(path).toAbsolutePath();
    // ".." behind a link is not what it seems.
    return (path.contains("..") ? absolute : absolute.normalize()).toString();
  }

  private FileSystem fileSystem(Path path) throws IOException {
    return path.getFileSystem(configuration);
  }

  /** For file systems that only have the old API, whose rename is not atomic with its check. */
  private void renameOnOldFileSystem(Path source, Path target) throws IOException {
    FileSystem fileSystem = fileSystem(source);
    if (fileSystem.exists(target)) {
      throw new FileAlreadyExistsException(target.toString());
    }
    if (!fileSystem.exists(source)) {
      throw new NoSuchFileException(source.toString());
    }
    if (!fileSystem.rename(source, target)) {
      throw new IOException(
          "Cannot rename %s to %s: the file system refused".formatted(source, target));
    }
  }

  private static NoSuchFileException missing(String path, IOException cause) {
    return withCause(new NoSuchFileException(path), cause);
  }

  private static <E extends IOException> E withCause(E exception, IOException cause) {
    exception.initCause(cause);
    return exception;
  }

  private void writeObject(ObjectOutputStream out) throws IOException {
    out.defaultWriteObject();
    configuration.write(out);
  }

  private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
    in.defaultReadObject();
    configuration = new Configuration(false);
    configuration.readFields(in);
    local = new LocalFiles();
  }
}
