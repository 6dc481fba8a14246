package org.sparkrnn.jobs;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.driver.storage.HadoopFiles;

/** The file behind {@code --config}, local or on any Hadoop file system. */
final class ConfigFile {
  private ConfigFile() {}

  static TrainingConfig load(HadoopFiles files, String path, List<String> overrides)
      throws IOException {
    if (!path.contains("://")) {
      return TrainingConfig.load(Path.of(path), overrides);
    }
    byte[] text = Channels.readAll(files, path, TrainingConfig.maxLength());
    return TrainingConfig.load(new String(text, StandardCharsets.UTF_8), overrides);
  }
}
