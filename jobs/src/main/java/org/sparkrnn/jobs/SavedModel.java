package org.sparkrnn.jobs;

import java.io.IOException;
import java.util.List;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.config.ConfigDifference;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.Sampling;
import org.sparkrnn.worker.model.TextGenerator;
import org.sparkrnn.worker.training.TrainingCheckpoint;

/**
 * A checkpoint that a user named, to be evaluated or to write text.
 *
 * @param config its semantic settings with the user's for everything else
 */
record SavedModel(TrainingCheckpoint checkpoint, TrainingConfig config) {

  /** How products are computed is no property of parameters: they may be used on other machines. */
  private static final String PRECISION = "kernel.precision";

  /**
   * Opens a run's best checkpoint, else its newest, or the one {@code step-N} that the path names.
   *
   * @param overrides {@code key=value} of settings that do not belong to the checkpoint
   */
  static SavedModel open(Console console, HadoopFiles files, String path, List<String> overrides)
      throws IOException {
    TrainingCheckpoint checkpoint =
        TrainingCheckpoint.open(
            CheckpointStore.resolve(
                files, path, warning -> console.error().println("Passed over: " + warning)));
    TrainingConfig config = TrainingConfig.load(checkpoint.config().semanticText(), overrides);
    for (ConfigDifference difference : config.differences(checkpoint.config())) {
      if (!difference.key().equals(PRECISION)) {
        throw new BadInputException(
            "Cannot use --set with checkpoint %s: %s"
                .formatted(checkpoint.checkpoint().path(), difference));
      }
    }
    return new SavedModel(checkpoint, config);
  }

  /**
   * Checks that the model predicts the next token.
   *
   * @param what cannot be done otherwise
   */
  void requireLanguageModel(String what) {
    if (config.task().isOfSequences()) {
      throw new BadInputException(
          "Cannot %s with %s: it is a model of %s"
              .formatted(what, checkpoint.checkpoint().path(), checkpoint.schema()));
    }
  }

  /** A prompt and the text that the model continues it with, computed in this JVM. */
  String write(String prompt, int length, Sampling sampling) throws IOException {
    requireLanguageModel("write text");
    Kernel kernel = Kernel.create(config.kernel());
    String continuation =
        TextGenerator.continueText(
            checkpoint.spec(),
            kernel,
            checkpoint.parameters(),
            checkpoint.vocabulary(),
            prompt,
            length,
            sampling);
    boolean apart =
        checkpoint.vocabulary().unit() == Unit.WORD
            && !prompt.isEmpty()
            && !prompt.endsWith(" ")
            && !prompt.endsWith("\n")
            && !continuation.startsWith("\n");
    return prompt + (apart ? " " : "") + continuation;
  }
}
