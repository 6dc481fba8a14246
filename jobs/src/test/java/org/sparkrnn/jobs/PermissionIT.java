package org.sparkrnn.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;

/**
 * Files that may not be read or written: one sentence that names them, exit code 2, and nothing
 * changed. Permissions do not hold for root, so the commands run without root's right to pass over
 * them.
 */
@TestInstance(Lifecycle.PER_CLASS)
class PermissionIT {
  private static final Set<PosixFilePermission> NONE = Set.of();
  private static final Set<PosixFilePermission> READ = PosixFilePermissions.fromString("r-xr-xr-x");

  private Path folder;
  private Launcher launcher;

  @BeforeAll
  void trainAModel(@TempDir Path directory) throws Exception {
    folder = directory;
    launcher =
        isRoot()
            ? new Launcher(folder, "setpriv", "--bounding-set", "-dac_override,-dac_read_search")
            : new Launcher(folder);
    SampleText.write(folder.resolve("text.txt"), 8_000, 2);
    Files.writeString(
        folder.resolve("test.conf"),
        """
        corpus { path = corpus, input = [text.txt], split = "80,10,10" }
        model { layers = 1, hidden = 8, embedding = 4 }
        batch { streams = 2, window = 8 }
        training { replicas = 2, max-rounds = 1 }
        display.sample-length = 0
        """);
    CommandRun run = launcher.run(train("model"));
    assertThat(run.exitCode()).as(run.error()).isZero();
  }

  @Test
  void textThatMayNotBeRead() throws Exception {
    refused(
        "text.txt", NONE, "tokenize", "--input", "text.txt", "--unit", "char", "--output", "new");
  }

  @Test
  void aCorpusThatMayNotBeRead() throws Exception {
    refused("corpus", NONE, train("new"));
  }

  @Test
  void aFolderThatMayNotBeWritten() throws Exception {
    Files.createDirectory(folder.resolve("locked"));
    assertThat(refused("locked", READ, train("locked/model"))).doesNotContain("Starting Spark");
  }

  @Test
  void aRunOfSomebodyElseIsNotTrainedFurther() throws Exception {
    List<String> resume = new ArrayList<>(List.of(train("model")));
    resume.addAll(List.of("--resume", "--set", "training.max-rounds=2"));
    assertThat(refused("model", READ, resume.toArray(String[]::new)))
        .doesNotContain("Starting Spark");
  }

  @Test
  void aRunThatSomebodyElseKeepsPrivateIsNotEvaluated() throws Exception {
    refused(
        "model",
        NONE,
        "evaluate",
        "--checkpoint",
        "model",
        "--corpus",
        "corpus",
        "--split",
        "valid");
  }

  private static String[] train(String run) {
    return new String[] {"train", "--config", "test.conf", "--set", "checkpoint.path=" + run};
  }

  /** What a command said on standard error while a file or folder had these permissions. */
  private String refused(String path, Set<PosixFilePermission> permissions, String... arguments)
      throws Exception {
    FolderContent before = content();
    Set<PosixFilePermission> allowed = Files.getPosixFilePermissions(folder.resolve(path));
    set(folder.resolve(path), permissions);
    CommandRun run;
    try {
      run = launcher.run(arguments);
    } finally {
      set(folder.resolve(path), allowed);
    }
    assertThat(run.exitCode()).as(run.error()).isEqualTo(2);
    List<String> lines = run.sentence().lines().toList(); // before it, that there is no summary
    assertThat(lines.get(lines.size() - 1))
        .startsWith("Cannot")
        .contains(path, "permission")
        .doesNotContain("Exception");
    assertThat(content()).isEqualTo(before);
    return run.error();
  }

  /** What the folder holds besides the output of the command. */
  private FolderContent content() throws IOException {
    FolderContent content = FolderContent.of(folder);
    content.files().keySet().removeAll(List.of("stdout", "stderr"));
    return content;
  }

  /** A folder that may not be read hides what is below it; else all below is set too. */
  private static void set(Path path, Set<PosixFilePermission> permissions) throws IOException {
    Files.setPosixFilePermissions(path, permissions);
    if (permissions.equals(NONE)) {
      return;
    }
    try (Stream<Path> all = Files.walk(path)) {
      for (Path below : (Iterable<Path>) all::iterator) {
        Files.setPosixFilePermissions(below, permissions);
      }
    }
  }

  private static boolean isRoot() throws IOException {
    return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0;
  }
}
