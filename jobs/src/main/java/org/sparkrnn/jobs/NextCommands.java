package org.sparkrnn.jobs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.sparkrnn.common.config.RunConfig;
import org.sparkrnn.common.config.ScheduleConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.CorpusManifest;
import org.sparkrnn.common.sequences.SequenceManifest;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.worker.training.TrainingState;

/**
 * The commands that one may go on with after a {@code train} with these options.
 *
 * @param overrides of {@code --set}
 * @param limits options that hold for a process, such as {@code --max-duration 6h}
 */
record NextCommands(String configFile, List<String> overrides, List<String> limits) {
  NextCommands {
    overrides = List.copyOf(overrides);
    limits = List.copyOf(limits);
  }

  /** One that uses the model, one that evaluates it if the corpus allows, one that trains it on. */
  List<String> after(Files files, TrainingConfig config, TrainingState state) throws IOException {
    String run = config.checkpoint().path();
    boolean sequences = config.task().isOfSequences();
    List<String> commands = new ArrayList<>();
    commands.add(
        (sequences
                ? "bin/spark-rnn predict --checkpoint %s --input FILE"
                : "bin/spark-rnn generate --checkpoint %s --prompt TEXT --length 500")
            .formatted(run));
    String corpus = config.corpus().path();
    Set<String> splits =
        sequences
            ? SequenceManifest.read(files, corpus).splits().keySet()
            : CorpusManifest.read(files, corpus).splits().keySet();
    for (String split : List.of("test", "valid")) {
      if (splits.contains(split)) {
        commands.add(
            "bin/spark-rnn evaluate --checkpoint %s --corpus %s --split %s"
                .formatted(run, corpus, split));
        break;
      }
    }
    commands.add(trainFurther(config, run, state));
    return commands;
  }

  /** The command that trains this model further: as this one, with more of what it ended for. */
  private String trainFurther(TrainingConfig config, String run, TrainingState state) {
    RunConfig training = config.training();
    Optional<TrainingState.End> end = state.end(config);
    if (end.isEmpty()) {
      return again("") + " --resume";
    }
    return switch (end.get()) {
      case EPOCHS ->
          config.schedule().kind() == ScheduleConfig.Kind.COSINE
              // Its learning rate is planned over the epochs: more of them are another run.
              ? again("checkpoint.path")
                  + " --from %s --set checkpoint.path=%s-2".formatted(run, run)
              : resume("training.epochs", 2L * training.epochs());
      case PATIENCE -> resume("training.patience", 2L * training.patience());
      case MAX_ROUNDS -> resume("training.max-rounds", 2 * training.maxRounds());
      case MAX_TOKENS -> resume("training.max-tokens", 2 * training.maxTokens());
    };
  }

  private String resume(String key, long value) {
    return again(key) + " --resume --set %s=%d".formatted(key, value);
  }

  /**
   * This command without {@code --resume} and {@code --from}.
   *
   * @param replaced a setting that the caller gives another value; empty if none
   */
  private String again(String replaced) {
    StringBuilder command = new StringBuilder("bin/spark-rnn train --config " + configFile);
    overrides.stream()
        .filter(setting -> !setting.startsWith(replaced + "="))
        .forEach(setting -> command.append(" --set ").append(shown(setting)));
    limits.forEach(limit -> command.append(' ').append(limit));
    return command.toString();
  }

  /** A setting without what may be a credential: the output goes to logs. */
  private static String shown(String setting) {
    return setting.startsWith("spark.")
        ? setting.substring(0, setting.indexOf('=') + 1) + "..."
        : setting;
  }
}
