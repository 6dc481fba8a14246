package org.sparkrnn.driver.tokenize;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.hadoop.security.AccessControlException;
import org.sparkrnn.common.corpus.CorpusManifest;
import org.sparkrnn.common.corpus.Shard;
import org.sparkrnn.common.corpus.Split;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.sequences.SequenceSchema;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.FileEntry;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.common.storage.Json;
import org.sparkrnn.driver.storage.HadoopFiles;

/**
 * The folder that a corpus is written to. From {@link #begin} to {@link #end} it holds the file
 * {@value #MARK}: what a killed run left behind is known by it, and removed by the next run.
 */
public final class CorpusFolder {
  private static final String MARK = "_tokenizing.json";

  private final HadoopFiles files;
  private final String path;
  private final boolean append;
  private final String owner = UUID.randomUUID().toString();
  private final List<String> createdFolders = new ArrayList<>(); // the innermost first
  private boolean begun;

  public CorpusFolder(HadoopFiles files, String path, boolean append) {
    this.files = files;
    this.path = path;
    this.append = append;
  }

  /**
   * Checks that the folder may be written to, without changing anything.
   *
   * @throws BadInputException if it exists and may not, or has nothing to append to
   */
  public void check() throws IOException {
    boolean corpus = CorpusManifest.exists(files, path);
    if (append && !corpus) {
      throw new BadInputException("Cannot append to %s: there is no corpus in it".formatted(path));
    }
    if (!append && corpus) {
      throw new BadInputException("Cannot write corpus %s: there is one already".formatted(path));
    }
    if (!append && files.exists(path)) {
      Set<String> others = names();
      if (others.contains(MARK)) {
        others.removeAll(ours());
      }
      if (!others.isEmpty()) {
        throw new BadInputException(
            "Cannot write corpus %s: the folder is not empty".formatted(path));
      }
    }
  }

  /** Creates the folder, or removes what a killed run left in it, and marks it. */
  public void begin() throws IOException {
    rememberMissing(path);
    try {
      if (files.exists(path)) {
        removeLeftovers();
      }
      Channels.writeAll(files, markPath(), Json.bytes(Map.of("owner", owner)));
      begun = true;
    } catch (AccessDeniedException | AccessControlException e) {
      removeCreatedFolders();
      throw new BadInputException(
          "Cannot write corpus %s: no permission (%s)".formatted(path, e.getMessage()), e);
    } catch (NoSuchFileException e) {
      removeCreatedFolders();
      throw new BadInputException(
          "Cannot write corpus %s: %s cannot be created".formatted(path, e.getFile()), e);
    } catch (FileSystemException e) {
      removeCreatedFolders();
      throw new BadInputException("Cannot write corpus %s: %s".formatted(path, e.getMessage()), e);
    }
  }

  /** Writes the vocabulary of a new corpus, then the manifest, which makes it one. */
  void end(Vocabulary vocabulary, CorpusManifest manifest) throws IOException {
    end(
        () -> {
          if (!append) {
            Channels.writeAll(files, Files.join(path, Vocabulary.FILE), vocabulary.toJson());
          }
          manifest.write(files, path);
        });
  }

  /** What is left to write. */
  @FunctionalInterface
  public interface LastFiles {
    void write() throws IOException;
  }

  /** Writes the last files of a corpus, of which the very last one makes it one. */
  public void end(LastFiles last) throws IOException {
    requireOwner();
    removeAttempts();
    last.write();
    begun = false;
    files.delete(markPath());
  }

  /** Removes what was written since {@link #begin}; a corpus that was there before is unchanged. */
  public void abandon() throws IOException {
    if (begun && isOwner()) {
      removeLeftovers();
      removeCreatedFolders();
    }
  }

  private void removeCreatedFolders() throws IOException {
    for (String folder : createdFolders) {
      if (files.exists(folder) && files.list(folder).isEmpty()) {
        files.delete(folder);
      }
    }
  }

  private void removeLeftovers() throws IOException {
    Set<String> listed = listedShards();
    for (String split : Split.NAMES) {
      String folder = Files.join(path, split);
      if (!files.exists(folder)) {
        continue;
      }
      int kept = 0;
      for (FileEntry entry : files.list(folder)) {
        if (listed.contains(split + "/" + entry.name())) {
          kept++;
        } else {
          files.delete(entry.path());
        }
      }
      if (kept == 0) {
        files.delete(folder);
      }
    }
    if (!append) {
      files.delete(Files.join(path, Vocabulary.FILE));
      files.delete(Files.join(path, SequenceSchema.FILE));
      files.delete(Files.partial(Files.join(path, CorpusManifest.FILE)));
    }
    files.delete(markPath());
  }

  private Set<String> listedShards() throws IOException {
    Set<String> listed = new HashSet<>();
    if (append) {
      for (Split split : CorpusManifest.read(files, path).splits().values()) {
        split.shards().stream().map(Shard::name).forEach(listed::add);
      }
    }
    return listed;
  }

  /** Removes files of attempts that did not end: killed or slower ones. */
  private void removeAttempts() throws IOException {
    for (String split : Split.NAMES) {
      String folder = Files.join(path, split);
      if (files.exists(folder)) {
        for (FileEntry entry : files.list(folder)) {
          if (entry.name().startsWith("_")) {
            files.delete(entry.path());
          }
        }
      }
    }
  }

  private void requireOwner() throws IOException {
    if (!isOwner()) {
      throw new BadInputException(
          "Cannot write corpus %s: another run began to write it meanwhile".formatted(path));
    }
  }

  private boolean isOwner() throws IOException {
    try {
      byte[] mark = Channels.readAll(files, markPath(), 1 << 16);
      return Json.parse(mark, markPath()).text("owner").equals(owner);
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /** Notes the folders that {@link #begin} will have created, to remove them after a failure. */
  private void rememberMissing(String folder) throws IOException {
    String current = folder;
    while (!current.isEmpty() && !files.exists(current)) {
      createdFolders.add(current);
      int slash = current.lastIndexOf('/');
      current = slash > 0 ? current.substring(0, slash) : "";
    }
  }

  private Set<String> names() throws IOException {
    try {
      Set<String> names = new HashSet<>();
      files.list(path).forEach(entry -> names.add(entry.name()));
      return names;
    } catch (NoSuchFileException e) {
      throw new BadInputException("Cannot write corpus %s: it is not a folder".formatted(path), e);
    }
  }

  private static Set<String> ours() {
    Set<String> ours = new HashSet<>(Split.NAMES);
    ours.addAll(
        List.of(MARK, Vocabulary.FILE, SequenceSchema.FILE, Files.partial(CorpusManifest.FILE)));
    return ours;
  }

  private String markPath() {
    return Files.join(path, MARK);
  }
}
