package org.sparkrnn.jobs;

import java.io.IOException;
import java.util.List;
import org.sparkrnn.driver.storage.HadoopFiles;
import picocli.CommandLine.Option;

/** The options of every command that uses a checkpoint. */
final class CheckpointOptions {
  @Option(
      names = "--checkpoint",
      required = true,
      paramLabel = "PATH",
      description = "Folder of a run (its best, else its newest checkpoint) or one step-N in it.")
  private String path = "";

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "A setting such as evaluation.streams or kernel.choice; repeatable.")
  private List<String> overrides = List.of();

  SavedModel open(Console console, HadoopFiles files) throws IOException {
    return SavedModel.open(console, files, path, overrides);
  }
}
