package org.sparkrnn.common.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.FakeFiles;

class CheckpointStoreTest {
  @TempDir Path directory;

  private final FakeFiles files = new FakeFiles();

  private CheckpointStore store() {
    return new CheckpointStore(files, directory.resolve("run").toString());
  }

  private void write(CheckpointStore store, long step, long bestStep) throws IOException {
    CheckpointWriter writer = store.begin(step);
    try (OutputStream out = writer.add("model.safetensors")) {
      out.write(("model of step " + step).getBytes(UTF_8));
      out.write('!');
    }
    writer.add("state.json", "{}".getBytes(UTF_8));
    writer.addUnlisted("run.json", ("at " + System.nanoTime()).getBytes(UTF_8));
    if (bestStep >= 0) {
      writer.bestStep(bestStep);
    }
    writer.commit();
  }

  private void damage(long step, String name) throws IOException {
    Path file = Path.of(store().pathOf(step), name);
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 4;
    Files.write(file, bytes);
  }

  private static Optional<Long> step(Optional<Checkpoint> checkpoint) {
    return checkpoint.map(Checkpoint::step);
  }

  @Test
  void anEmptyOrMissingRunHasNoCheckpoint() throws IOException {
    assertThat(store().newest()).isEmpty();
    assertThat(store().best()).isEmpty();
    assertThat(store().steps()).isEmpty();
    assertThat(store().warnings()).isEmpty();
    assertThatThrownBy(() -> CheckpointStore.resolve(files, store().path(), w -> {}))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining(store().path());
  }

  @Test
  void whatIsCommittedIsReadAndTheNewestIsTheHighestStep() throws IOException {
    CheckpointStore store = store();
    write(store, 9, -1);
    write(store, 100, -1);
    write(store, 20, -1);
    Checkpoint newest = store().newest().orElseThrow();
    assertThat(newest.step()).isEqualTo(100);
    assertThat(newest.names()).containsExactly("model.safetensors", "state.json");
    assertThat(newest.bytes("model.safetensors", 100))
        .isEqualTo("model of step 100!".getBytes(UTF_8));
    assertThat(store.steps()).containsExactly(9L, 20L, 100L);
    assertThatThrownBy(() -> newest.bytes("model.safetensors", 17))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("at most 17");
    assertThatThrownBy(() -> newest.bytes("replica-0.safetensors", 100))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("replica-0.safetensors");
  }

  @Test
  void equalFilesGiveEqualManifestsWhateverStandsInRunJson() throws IOException {
    write(store(), 5, 5);
    byte[] first = Files.readAllBytes(Path.of(store().pathOf(5), "manifest.json"));
    files.delete(store().pathOf(5));
    write(store(), 5, 5);
    assertThat(Files.readAllBytes(Path.of(store().pathOf(5), "manifest.json"))).isEqualTo(first);
    assertThat(new String(first, UTF_8)).doesNotContain("run.json").endsWith("\"\n}\n");
  }

  @Test
  void nothingButTheFilesOfTheCheckpointIsLeft() throws IOException {
    write(store(), 5, -1);
    assertThat(files.list(store().pathOf(5)))
        .extracting("name")
        .containsExactly("manifest.json", "model.safetensors", "run.json", "state.json");
  }

  @Test
  void aDamagedOneIsNamedAndTheOneBeforeIsUsed() throws IOException {
    write(store(), 1, -1);
    write(store(), 2, -1);
    write(store(), 3, -1);
    damage(3, "manifest.json");
    damage(2, "model.safetensors");
    CheckpointStore store = store();
    assertThat(step(store.newest())).hasValue(1L);
    assertThat(store.warnings()).hasSize(2);
    assertThat(store.warnings().get(0)).contains("step-3/manifest.json");
    assertThat(store.warnings().get(1)).contains("step-2/model.safetensors").contains("SHA-256");
    assertThatThrownBy(() -> store.at(2))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("step-2/model.safetensors");
    List<String> warnings = new ArrayList<>();
    assertThat(CheckpointStore.resolve(files, store.path(), warnings::add).step()).isEqualTo(1);
    assertThat(warnings).isEqualTo(store.warnings());
  }

  @Test
  void aMissingOrShortenedFileIsDamageToo() throws IOException {
    write(store(), 1, -1);
    write(store(), 2, -1);
    write(store(), 3, -1);
    Files.delete(Path.of(store().pathOf(3), "state.json"));
    Files.write(Path.of(store().pathOf(2), "state.json"), new byte[1]);
    CheckpointStore store = store();
    assertThat(step(store.newest())).hasValue(1L);
    assertThat(store.warnings().get(0)).contains("step-3/state.json").contains("missing");
    assertThat(store.warnings().get(1)).contains("step-2/state.json").contains("1 bytes");
  }

  @Test
  void aManifestOfAnotherStepIsRefused() throws IOException {
    write(store(), 1, -1);
    Files.move(Path.of(store().pathOf(1)), Path.of(store().pathOf(7)));
    assertThatThrownBy(() -> store().at(7))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("step 1");
    assertThat(store().newest()).isEmpty();
  }

  @Test
  void namesThatCouldLeaveTheDirectoryAreRefused() throws IOException {
    CheckpointManifest manifest =
        new CheckpointManifest(
            1,
            -1,
            new TreeMap<>(
                java.util.Map.of("../other", new CheckpointManifest.Part(1, "0".repeat(64)))));
    assertThatThrownBy(() -> CheckpointManifest.parse(manifest.toJson(), "m.json"))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("../other");
    CheckpointWriter writer = store().begin(1);
    assertThatThrownBy(() -> writer.add("../other")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> writer.add("manifest.json"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aWholeStepIsNeverWrittenAgainButADamagedOneIs() throws IOException {
    write(store(), 1, -1);
    assertThatThrownBy(() -> store().begin(1))
        .isInstanceOf(FileAlreadyExistsException.class)
        .hasMessageContaining("step-1");
    damage(1, "state.json");
    write(store(), 1, -1);
    assertThat(step(store().newest())).hasValue(1L);
  }

  @Test
  void theFasterOfTwoWritersWins() throws IOException {
    CheckpointStore store = store();
    CheckpointWriter slow = store.begin(1);
    CheckpointWriter fast = store.begin(1);
    fast.add("state.json", "fast".getBytes(UTF_8));
    fast.commit();
    byte[] manifest = Files.readAllBytes(Path.of(store.pathOf(1), "manifest.json"));
    assertThatThrownBy(slow::commit).isInstanceOf(FileAlreadyExistsException.class);
    assertThat(Files.readAllBytes(Path.of(store.pathOf(1), "manifest.json"))).isEqualTo(manifest);
  }

  @Test
  void nothingIsCommittedWhileAFileIsOpen() throws IOException {
    CheckpointWriter writer = store().begin(1);
    OutputStream open = writer.add("state.json");
    assertThatThrownBy(writer::commit).hasMessageContaining("1 files are open");
    open.close();
    writer.commit();
    assertThatThrownBy(writer::commit).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void thePowerMayGoOutAtAnyInstantOfWritingAndRetaining() throws IOException {
    boolean done = false;
    int steps = 0;
    for (; !done; steps++) {
      files.delete(directory.resolve("run").toString());
      write(store(), 10, 10);
      write(store(), 20, 10);
      files.failAfter(steps);
      try {
        CheckpointStore store = store();
        write(store, 30, 10);
        store.retain(1, Set.of(10L));
        done = true;
      } catch (IOException e) {
        assertThat(e).hasMessageContaining("power");
      }
      files.failAfter(Long.MAX_VALUE);
      CheckpointStore after = store();
      Checkpoint newest = after.newest().orElseThrow();
      assertThat(newest.step()).as("after %d steps", steps).isIn(20L, 30L);
      assertThat(after.warnings()).isEmpty();
      assertThat(step(after.best())).hasValue(10L);
      if (newest.step() == 20) {
        write(after, 30, 10); // what the resumed run does
        after.retain(1, Set.of(10L));
      }
      after.retain(1, Set.of(10L));
      assertThat(store().steps()).containsExactly(10L, 30L);
      assertThat(files.list(store().path())).hasSize(2);
    }
    assertThat(steps).isGreaterThan(20);
  }

  @Test
  void retentionKeepsTheNewestAndTheBestAndWhatItDoesNotKnow() throws IOException {
    CheckpointStore store = store();
    for (long step = 1; step <= 5; step++) {
      write(store, step, 2);
    }
    Files.createDirectories(Path.of(store.path(), "step-0"));
    Files.createDirectories(Path.of(store.path(), "step-03"));
    Files.createDirectories(Path.of(store.path(), "work"));
    Files.writeString(Path.of(store.path(), "metrics.jsonl"), "{}");
    Files.createDirectories(Path.of(store.path(), "step-9"));
    store.retain(2, Set.of(2L));
    assertThat(store.steps()).containsExactly(2L, 4L, 5L);
    try (Stream<Path> left = Files.list(Path.of(store.path()))) {
      assertThat(left.map(path -> path.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "step-2", "step-4", "step-5", "step-9", "step-03", "work", "metrics.jsonl");
    }
    assertThatThrownBy(() -> store.retain(0, Set.of()))
        .isInstanceOf(IllegalArgumentException.class);
    store.removeIncomplete(9);
    store.removeIncomplete(5);
    assertThat(store.steps()).containsExactly(2L, 4L, 5L);
    assertThat(files.exists(store.pathOf(9))).isFalse();
  }

  @Test
  void retentionDeletesALinkButNothingBehindIt() throws IOException {
    Path other = Files.createDirectories(directory.resolve("other"));
    Files.writeString(other.resolve("manifest.json"), "of something else");
    CheckpointStore store = store();
    write(store, 5, -1);
    Path link = Files.createSymbolicLink(Path.of(store.pathOf(3)), other);
    store.retain(1, Set.of());
    assertThat(link).doesNotExist();
    assertThat(other.resolve("manifest.json")).exists();
  }

  @Test
  void damagedOnesAreNotCountedSoThatNoGoodOneIsDeletedForThem() throws IOException {
    write(store(), 1, -1);
    write(store(), 2, -1);
    write(store(), 3, -1);
    write(store(), 9, -1);
    damage(9, "state.json");
    damage(2, "state.json");
    CheckpointStore store = store();
    assertThat(step(store.newest())).hasValue(3L);
    write(store, 5, -1);
    store.retain(1, Set.of());
    assertThat(store.steps()).containsExactly(5L, 9L);
    assertThat(step(store().newest())).hasValue(5L);
    write(store(), 9, -1);
    damage(5, "state.json");
    store().retain(3, Set.of(5L));
    assertThat(store.steps()).containsExactly(5L, 9L);
  }

  @Test
  void aPathMeansItsStepOrTheBestOrTheNewest() throws IOException {
    write(store(), 1, 1);
    write(store(), 2, 1);
    String run = store().path();
    assertThat(CheckpointStore.resolve(files, run, w -> {}).step()).isEqualTo(1);
    assertThat(CheckpointStore.resolve(files, run + "/", w -> {}).step()).isEqualTo(1);
    assertThat(CheckpointStore.resolve(files, run + "/step-2", w -> {}).step()).isEqualTo(2);
    assertThat(CheckpointStore.resolve(files, run + "/step-2/", w -> {}).step()).isEqualTo(2);
    assertThatThrownBy(() -> CheckpointStore.resolve(files, run + "/step-3", w -> {}))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("step-3");
    damage(1, "state.json");
    List<String> warnings = new ArrayList<>();
    assertThat(CheckpointStore.resolve(files, run, warnings::add).step()).isEqualTo(2);
    assertThat(warnings).singleElement().asString().contains("step-1/state.json");
  }
}
