package org.sparkrnn.jobs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Everything below a folder, to compare before and after a command. */
record FolderContent(SortedMap<String, String> files) {

  static FolderContent of(Path folder) throws IOException {
    SortedMap<String, String> files = new TreeMap<>();
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        String name = folder.relativize(path).toString();
        files.put(
            name,
            Files.isRegularFile(path)
                ? Base64.getEncoder().encodeToString(Files.readAllBytes(path))
                : "");
      }
    }
    return new FolderContent(files);
  }
}
