package org.sparkrnn.worker.kernel;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.config.KernelConfig.Isa;

class NativeLibraryTest {

  @Test
  void libraryIsThere() {
    assertThat(NativeLibrary.loadFailure()).isEmpty();
    assertThat(new NativeKernel(Isa.AUTO).name()).startsWith("native-");
  }

  @Test
  void secondClassLoaderLoadsItsOwnCopyAndLeavesNothingBehind(@TempDir Path directory)
      throws Exception {
    assertThat(loadFailureInNewLoader(directory.toString())).isEqualTo("Optional.empty");
    try (var files = Files.list(directory)) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void directoryThatIsNotThereIsNamed(@TempDir Path directory) throws Exception {
    assertThat(loadFailureInNewLoader(directory.resolve("missing").toString()))
        .contains("could not be extracted")
        .contains("missing")
        .contains(NativeLibrary.DIRECTORY);
  }

  @Test
  void libraryIsWrittenWhereNobodyElseCanReadOrReplaceIt() throws IOException {
    Path directory = NativeLibrary.privateDirectory();
    Path file = directory.resolve("library");
    try {
      NativeLibrary.writePrivate(file, new byte[] {1, 2, 3});
      assertThat(file).hasBinaryContent(new byte[] {1, 2, 3});
      assertThat(permissions(directory)).isEqualTo("rwx------");
      assertThat(permissions(file)).isEqualTo("rw-------");
      assertThatThrownBy(() -> NativeLibrary.writePrivate(file, new byte[0]))
          .isInstanceOf(FileAlreadyExistsException.class);
    } finally {
      Files.deleteIfExists(file);
      Files.delete(directory);
    }
  }

  @Test
  void libraryThatDoesNotHaveItsHashIsNotLoaded(@TempDir Path directory) throws Exception {
    String resource =
        NativeLibrary.class.getPackageName().replace('.', '/')
            + "/linux-%s/libsparkrnn.so.sha256"
                .formatted(System.getProperty("os.arch").replace("amd64", "x86_64"));
    Path hash = directory.resolve("classes").resolve(resource);
    Files.createDirectories(hash.getParent());
    Files.writeString(hash, "0".repeat(64));
    URL[] classPath = concat(url(directory.resolve("classes").toString()), classPath());
    assertThat(loadFailureInNewLoader(directory.toString(), classPath))
        .contains("its checksum is ")
        .contains("expected " + "0".repeat(64));
    assertThat(directory).isDirectoryNotContaining("glob:**/sparkrnn-*");
  }

  /** In a mount namespace of its own, which an ordinary user may make on most Linux systems. */
  @Test
  void propertyNamesADirectoryForHostsWhoseTemporaryOneAllowsNoExecution(@TempDir Path directory)
      throws Exception {
    Path noexec = Files.createDirectory(directory.resolve("noexec"));
    Path allowed = Files.createDirectory(directory.resolve("allowed"));
    assumeThat(withNoexec(noexec, "true")).as("unshare and mount").isEqualTo("exit 0");

    assertThat(loadWithNoexec(noexec))
        .contains("could not be loaded")
        .contains("-D" + NativeLibrary.DIRECTORY)
        .endsWith("exit 0");
    assertThat(loadWithNoexec(noexec, "-D" + NativeLibrary.DIRECTORY + "=" + allowed))
        .contains("loaded")
        .endsWith("exit 0");
  }

  /** Prints why the library is not there, or that it is. */
  static final class Load {
    public static void main(String[] arguments) {
      System.out.println(NativeLibrary.loadFailure().orElse("loaded"));
    }
  }

  private static String loadWithNoexec(Path noexec, String... options) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Djava.io.tmpdir=" + noexec);
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Load.class.getName()));
    return withNoexec(noexec, command.toArray(new String[0]));
  }

  /** What a command prints, and its exit code, where a directory is mounted {@code noexec}. */
  private static String withNoexec(Path directory, String... command) throws Exception {
    List<String> all = new ArrayList<>(List.of("unshare", "--map-root-user", "--mount", "sh"));
    all.addAll(List.of("-c", "mount -t tmpfs -o noexec none \"$0\" && exec \"$@\""));
    all.add(directory.toString());
    all.addAll(List.of(command));
    try {
      Process process = new ProcessBuilder(all).redirectErrorStream(true).start();
      String output = new String(process.getInputStream().readAllBytes(), UTF_8);
      return output + "exit " + process.waitFor();
    } catch (IOException noSuchProgram) {
      return noSuchProgram.toString();
    }
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void closedArenaIsRefused() {
    ArenaPlan plan = new ArenaPlan();
    plan.region("some", 100);
    Arena arena = new NativeKernel(Isa.AUTO).allocate(plan);
    arena.close();
    arena.close();
    assertThatThrownBy(() -> arena.fill(0, 1, 0f)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void accessBeyondTheArenaIsRefused() {
    ArenaPlan plan = new ArenaPlan();
    plan.region("some", 16);
    try (Arena arena = new NativeKernel(Isa.AUTO).allocate(plan)) {
      assertThatThrownBy(() -> arena.write(10, new float[7], 0, 7))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> arena.read(0, new float[7], 1, 7))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> arena.copy(0, 8, 9)).isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void memoryThatTheSystemDoesNotHaveIsRefused() {
    ArenaPlan plan = new ArenaPlan();
    plan.region("too much", 1L << 50);
    assertThatThrownBy(() -> new NativeKernel(Isa.AUTO).allocate(plan))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Cannot allocate");
  }

  private static String loadFailureInNewLoader(String directory) throws Exception {
    return loadFailureInNewLoader(directory, classPath());
  }

  private static String loadFailureInNewLoader(String directory, URL[] classPath) throws Exception {
    String before = System.getProperty(NativeLibrary.DIRECTORY);
    System.setProperty(NativeLibrary.DIRECTORY, directory);
    try (URLClassLoader loader =
        new URLClassLoader(classPath, ClassLoader.getPlatformClassLoader())) {
      Class<?> library = loader.loadClass(NativeLibrary.class.getName());
      var method = library.getDeclaredMethod("loadFailure");
      method.setAccessible(true);
      return method.invoke(null).toString();
    } finally {
      if (before == null) {
        System.clearProperty(NativeLibrary.DIRECTORY);
      } else {
        System.setProperty(NativeLibrary.DIRECTORY, before);
      }
    }
  }

  private static URL[] concat(URL first, URL[] others) {
    return Stream.concat(Stream.of(first), Arrays.stream(others)).toArray(URL[]::new);
  }

  private static URL[] classPath() {
    List<String> entries =
        Arrays.asList(
            System.getProperty("java.class.path").split(System.getProperty("path.separator")));
    return entries.stream().map(NativeLibraryTest::url).toArray(URL[]::new);
  }

  private static URL url(String entry) {
    try {
      return Path.of(entry).toUri().toURL();
    } catch (IOException failure) {
      throw new IllegalStateException(failure);
    }
  }
}
