package org.sparkrnn.worker.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
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
    String before = System.getProperty(NativeLibrary.DIRECTORY);
    System.setProperty(NativeLibrary.DIRECTORY, directory);
    try (URLClassLoader loader =
        new URLClassLoader(classPath(), ClassLoader.getPlatformClassLoader())) {
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
