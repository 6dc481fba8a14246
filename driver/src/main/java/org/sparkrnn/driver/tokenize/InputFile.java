package org.sparkrnn.driver.tokenize;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.AccessControlException;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.storage.FileEntry;
import org.sparkrnn.driver.storage.HadoopFiles;

/**
 * A file to tokenize.
 *
 * @param size bytes
 */
public record InputFile(String path, long size) {

  /**
   * The files that the inputs mean: inputs in the order given, the files of a directory or glob
   * sorted by path.
   *
   * @throws BadInputException if an input does not exist, cannot be read or has no file in it
   */
  public static List<InputFile> list(HadoopFiles files, List<String> inputs) throws IOException {
    List<InputFile> all = new ArrayList<>();
    for (String input : inputs) {
      List<InputFile> found = new ArrayList<>();
      try {
        addInput(files, input, found);
      } catch (NoSuchFileException | FileNotFoundException e) {
        throw new BadInputException("Cannot tokenize %s: no such file".formatted(input), e);
      } catch (AccessDeniedException | AccessControlException e) {
        throw new BadInputException(
            "Cannot tokenize %s: no permission to read %s".formatted(input, e.getMessage()), e);
      }
      if (found.isEmpty()) {
        throw new BadInputException(
            "Cannot tokenize %s: there is no file in it (names that begin with . or _ do not count)"
                .formatted(input));
      }
      found.sort(Comparator.comparing(InputFile::path));
      all.addAll(found);
    }
    return all;
  }

  private static void addInput(HadoopFiles files, String input, List<InputFile> found)
      throws IOException {
    if (files.exists(input)) {
      addPath(files, input, found);
      return;
    }
    if (input.chars().noneMatch(character -> "*?[{".indexOf(character) >= 0)) {
      throw new NoSuchFileException(input);
    }
    Path pattern = new Path(input);
    FileStatus[] matches =
        pattern
            .getFileSystem(files.configuration())
            .globStatus(pattern, path -> visible(path.getName()));
    if (matches == null || matches.length == 0) {
      throw new BadInputException("Cannot tokenize %s: no file matches".formatted(input));
    }
    for (FileStatus match : matches) {
      Path path = match.getPath();
      addPath(
          files, files.isLocal(path.toString()) ? path.toUri().getPath() : path.toString(), found);
    }
  }

  private static void addPath(HadoopFiles files, String path, List<InputFile> found)
      throws IOException {
    List<FileEntry> entries;
    try {
      entries = files.list(path);
    } catch (NoSuchFileException e) {
      // Not a directory. Opened here, so that a file without permission is told before any job.
      try (SeekableByteChannel channel = files.open(path)) {
        found.add(new InputFile(path, channel.size()));
      }
      return;
    }
    addDirectory(files, entries, found);
  }

  private static void addDirectory(
      HadoopFiles files, List<FileEntry> entries, List<InputFile> found) throws IOException {
    for (FileEntry entry : entries) {
      if (visible(entry.name())) {
        if (entry.directory()) {
          addDirectory(files, files.list(entry.path()), found);
        } else {
          found.add(new InputFile(entry.path(), entry.size()));
        }
      }
    }
  }

  private static boolean visible(String name) {
    return !name.startsWith(".") && !name.startsWith("_");
  }
}
