package org.sparkrnn.worker.training;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Nothing that comes from a file chooses the classes that are made from it. */
class NoDeserializationTest {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Pattern DESERIALIZES =
      Pattern.compile(
          "ObjectInputStream|readUnshared|readClassAndObject|XMLDecoder|SerializationUtils"
              + "|enableDefaultTyping|activateDefaultTyping|@JsonTypeInfo|objectFile");

  @Test
  void noSourceReadsJavaObjectsFromAFile() throws IOException {
    TreeSet<String> found = new TreeSet<>();
    for (String module : List.of("common", "worker", "driver", "jobs")) {
      try (Stream<Path> sources = Files.walk(ROOT.resolve(module + "/src/main/java"))) {
        for (Path source : sources.filter(path -> path.toString().endsWith(".java")).toList()) {
          if (DESERIALIZES.matcher(Files.readString(source, UTF_8)).find()) {
            found.add(source.getFileName().toString());
          }
        }
      }
    }
    // Spark sends it to tasks inside of closures; it reads no stream of its own.
    assertThat(found).containsExactly("HadoopFiles.java");
  }
}
