package org.sparkrnn.common.checkpoint;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.FileEntry;
import org.sparkrnn.common.storage.Files;

/**
 * The checkpoints of one run: directories {@code step-N} in its folder. A directory without a valid
 * manifest does not exist. Only the owner of the run writes; readers may come at any time.
 */
public final class CheckpointStore {
  private static final Pattern STEP = Pattern.compile("step-(0|[1-9][0-9]{0,17})");

  private final Files files;
  private final String run;
  private final Ownership ownership;
  private final List<String> warnings = new ArrayList<>();
  private final Set<Long> knownWhole = new HashSet<>();

  /** To read, or to write what nobody else can reach. */
  public CheckpointStore(Files files, String run) {
    this(files, run, Ownership.UNDISPUTED);
  }

  /**
   * To write as well.
   *
   * @param ownership asked for before anything is written or deleted, and before each manifest
   */
  public CheckpointStore(Files files, String run, Ownership ownership) {
    this.files = files;
    this.run = run;
    this.ownership = ownership;
  }

  /**
   * The checkpoint that a path of a user means: one {@code step-N}, or of a run its best, else its
   * newest.
   *
   * @param warnings told of every checkpoint that was passed over because it is damaged
   * @throws BadInputException if there is none
   * @throws CorruptFileException if the step that was named is damaged
   */
  public static Checkpoint resolve(Files files, String path, Consumer<String> warnings)
      throws IOException {
    String trimmed =
        path.length() > 1 && path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
    int slash = trimmed.lastIndexOf('/');
    Matcher step = STEP.matcher(trimmed.substring(slash + 1));
    if (step.matches()) {
      String parent = slash < 0 ? "." : slash == 0 ? "/" : trimmed.substring(0, slash);
      return new CheckpointStore(files, parent).at(Long.parseLong(step.group(1)));
    }
    CheckpointStore store = new CheckpointStore(files, trimmed);
    Optional<Checkpoint> checkpoint = store.best();
    if (checkpoint.isEmpty()) {
      checkpoint = store.newest();
    }
    if (checkpoint.isEmpty()) {
      throw new BadInputException(
          "Cannot find a checkpoint in %s: %s"
              .formatted(
                  path,
                  store.warnings.isEmpty()
                      ? "no step-N with a manifest is there"
                      : String.join("; ", store.warnings)));
    }
    store.warnings.forEach(warnings);
    return checkpoint.get();
  }

  /**
   * Checks that this process may still write here.
   *
   * @throws BadInputException if another one does by now
   */
  public void requireOwned() throws IOException {
    ownership.require();
  }

  /** The run's folder. */
  public String path() {
    return run;
  }

  /** The directory of a step, whether it exists or not. */
  public String pathOf(long step) {
    return Files.join(run, "step-" + step);
  }

  /** What was found damaged, one sentence each, since this object was made. */
  public List<String> warnings() {
    return List.copyOf(warnings);
  }

  /** The steps whose directories have a manifest, ascending; nothing is verified. */
  public List<Long> steps() throws IOException {
    List<Long> steps = new ArrayList<>();
    for (long step : directories()) {
      if (files.exists(Files.join(pathOf(step), CheckpointManifest.FILE))) {
        steps.add(step);
      }
    }
    return List.copyOf(steps);
  }

  /**
   * The newest checkpoint all of whose files are whole. Damaged ones above it are passed over and
   * named in {@link #warnings}.
   */
  public Optional<Checkpoint> newest() throws IOException {
    List<Long> steps = new ArrayList<>(steps());
    Collections.reverse(steps);
    for (long step : steps) {
      Optional<Checkpoint> checkpoint = whole(step);
      if (checkpoint.isPresent()) {
        return checkpoint;
      }
    }
    return Optional.empty();
  }

  /** The best checkpoint of the run, if the newest one knows it and it is whole. */
  public Optional<Checkpoint> best() throws IOException {
    Optional<Checkpoint> newest = newest();
    if (newest.isEmpty() || newest.get().bestStep().isEmpty()) {
      return Optional.empty();
    }
    long best = newest.get().bestStep().getAsLong();
    if (best == newest.get().step()) {
      return newest;
    }
    return steps().contains(best) ? whole(best) : Optional.empty();
  }

  /**
   * The checkpoint of a step, verified.
   *
   * @throws BadInputException if there is none
   * @throws CorruptFileException if it is damaged
   */
  public Checkpoint at(long step) throws IOException {
    try {
      Checkpoint checkpoint = Checkpoint.read(files, pathOf(step), step);
      checkpoint.verify();
      return checkpoint;
    } catch (NoSuchFileException e) {
      throw new BadInputException(
          "Cannot read checkpoint %s: there is no %s in it"
              .formatted(pathOf(step), CheckpointManifest.FILE),
          e);
    }
  }

  /**
   * Begins the checkpoint of a step. What an interrupted or damaged attempt left there is removed.
   *
   * @throws FileAlreadyExistsException if the step is there and whole
   */
  public CheckpointWriter begin(long step) throws IOException {
    if (step < 0) {
      throw new IllegalArgumentException("Cannot write the checkpoint of step " + step);
    }
    ownership.require();
    // Not by way of the listing, which may lag behind.
    boolean there = files.exists(Files.join(pathOf(step), CheckpointManifest.FILE));
    if (there && whole(step).isPresent()) {
      throw new FileAlreadyExistsException(pathOf(step), null, "this checkpoint exists");
    }
    remove(step);
    files.createDirectories(pathOf(step));
    return new CheckpointWriter(files, pathOf(step), step, ownership, knownWhole::add);
  }

  /** Removes the directory of a step unless it has a manifest. */
  public void removeIncomplete(long step) throws IOException {
    if (!steps().contains(step)) {
      remove(step);
    }
  }

  /**
   * Deletes checkpoints below the newest whole one, except the newest few and those named, and what
   * interrupted attempts left there. Damaged ones are not counted: a good one is never deleted for
   * them.
   *
   * @param keepLast how many of the newest stay, at least 1
   * @param kept steps that stay besides, such as the best
   */
  public void retain(int keepLast, Collection<Long> kept) throws IOException {
    if (keepLast < 1) {
      throw new IllegalArgumentException(
          "Cannot retain the last %d checkpoints".formatted(keepLast));
    }
    ownership.require();
    Set<Long> staying = new HashSet<>(kept);
    List<Long> newestFirst = new ArrayList<>(steps());
    Collections.reverse(newestFirst);
    int counted = 0;
    long newest = -1;
    for (long step : newestFirst) {
      if (counted < keepLast && (knownWhole.contains(step) || whole(step).isPresent())) {
        staying.add(step);
        newest = Math.max(newest, step);
        counted++;
      }
    }
    for (long step : directories()) {
      if (step < newest && !staying.contains(step)) {
        remove(step);
      }
    }
  }

  private void remove(long step) throws IOException {
    knownWhole.remove(step);
    if (!files.isLink(pathOf(step))) { // whose manifest would be that of another directory
      // The manifest first: what is left after a crash in between is no checkpoint.
      files.delete(Files.join(pathOf(step), CheckpointManifest.FILE));
    }
    files.delete(pathOf(step));
  }

  /** The checkpoint of a step if all its files are whole; else a warning says which is not. */
  private Optional<Checkpoint> whole(long step) throws IOException {
    try {
      Checkpoint checkpoint = Checkpoint.read(files, pathOf(step), step);
      checkpoint.verify();
      knownWhole.add(step);
      return Optional.of(checkpoint);
    } catch (CorruptFileException | NoSuchFileException e) {
      String warning = String.valueOf(e.getMessage());
      if (!warnings.contains(warning)) {
        warnings.add(warning);
      }
      return Optional.empty();
    }
  }

  private List<Long> directories() throws IOException {
    List<Long> steps = new ArrayList<>();
    try {
      for (FileEntry entry : files.list(run)) {
        Matcher matcher = STEP.matcher(entry.name());
        if (entry.directory() && matcher.matches()) {
          steps.add(Long.parseLong(matcher.group(1)));
        }
      }
    } catch (NoSuchFileException e) {
      return List.of();
    }
    Collections.sort(steps);
    return steps;
  }
}
