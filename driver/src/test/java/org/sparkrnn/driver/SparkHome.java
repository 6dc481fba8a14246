package org.sparkrnn.driver;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The folder that executors started from the class path take for a Spark installation: its {@code
 * jars} links to every jar of this JVM's class path. Class folders (ours, when nothing is packaged
 * yet) go to {@link #classFolders()}.
 */
final class SparkHome {

  private SparkHome() {}

  /**
   * Fills the folder that the environment names (Surefire sets it; it cannot be set from inside).
   */
  static synchronized Path prepare() {
    String home = System.getenv("SPARK_HOME");
    String scala = System.getenv("SPARK_SCALA_VERSION");
    if (home == null || scala == null) {
      throw new IllegalStateException(
          "Cannot start executors: the environment must set SPARK_HOME to an empty folder and SPARK_SCALA_VERSION,"
              + " as driver/pom.xml does for Surefire");
    }
    Path jars = Path.of(home, "jars");
    try {
      Files.createDirectories(jars);
      try (Stream<Path> old = Files.list(jars)) {
        for (Path link : old.toList()) {
          Files.delete(link);
        }
      }
      int index = 0;
      for (String entry : classPath()) {
        if (entry.endsWith(".jar") && Files.isRegularFile(Path.of(entry))) {
          // Numbered: a directory listing does not keep the order of the class path, and names may
          // repeat.
          String name = "%03d-%s".formatted(index++, Path.of(entry).getFileName());
          Files.createSymbolicLink(jars.resolve(name), Path.of(entry).toAbsolutePath());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot link the class path into " + jars, e);
    }
    return Path.of(home);
  }

  /** The folders of the class path, joined as a class path. */
  static String classFolders() {
    return String.join(
        File.pathSeparator,
        classPath().stream().filter(entry -> Files.isDirectory(Path.of(entry))).toList());
  }

  static List<String> classPath() {
    return List.of(System.getProperty("java.class.path").split(File.pathSeparator));
  }
}
