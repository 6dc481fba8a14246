package org.sparkrnn.worker.model;

import java.util.List;
import java.util.Locale;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.sequences.SequenceSchema;

/**
 * What the numbers that enter and leave a model mean.
 *
 * @param vocabulary names the tokens, or the columns of steps of numbers
 * @param ofSequences what else there is to know of sequences: one schema; none for a language model
 */
public record ModelSchema(Vocabulary vocabulary, List<SequenceSchema> ofSequences) {
  public ModelSchema {
    ofSequences = List.copyOf(ofSequences);
  }

  /** Of a language model. */
  public static ModelSchema of(Vocabulary vocabulary) {
    return new ModelSchema(vocabulary, List.of());
  }

  public boolean isOfSequences() {
    return !ofSequences.isEmpty();
  }

  /** The schema of the sequences. */
  public SequenceSchema sequences() {
    if (ofSequences.isEmpty()) {
      throw new IllegalStateException("Cannot describe sequences: the model is of language");
    }
    return ofSequences.get(0);
  }

  /** Equal for models that mean the same by every number. */
  public boolean means(ModelSchema other) {
    return vocabulary.fingerprint().equals(other.vocabulary.fingerprint())
        && ofSequences.equals(other.ofSequences);
  }

  /**
   * The architecture that settings ask for on such a corpus.
   *
   * @throws BadInputException if {@code model.task} is not what the corpus is for
   */
  public ModelSpec spec(TrainingConfig config) {
    Task task = fitting();
    if (config.task().task() != task) {
      throw new BadInputException(
          "Cannot use model.task = %s on %s; set model.task = %s"
              .formatted(text(config.task().task()), this, text(task)));
    }
    return isOfSequences()
        ? ModelSpec.of(
            config.model(),
            vocabulary.size(),
            TaskSpec.of(
                config.task(),
                sequences().outputs(),
                sequences().input() == SequenceSchema.Input.VALUES))
        : ModelSpec.of(config.model(), vocabulary.size());
  }

  private Task fitting() {
    if (!isOfSequences()) {
      return Task.LANGUAGE_MODEL;
    }
    return switch (sequences().output()) {
      case LABELS -> Task.CLASSIFICATION;
      case TAGS -> Task.TAGGING;
      case TARGETS -> Task.REGRESSION;
    };
  }

  private static String text(Task task) {
    return task.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  @Override
  public String toString() {
    if (!isOfSequences()) {
      return vocabulary.toString();
    }
    SequenceSchema schema = sequences();
    String inputs =
        schema.input() == SequenceSchema.Input.TOKENS
            ? vocabulary.toString()
            : vocabulary.size() + " columns";
    return switch (schema.output()) {
      case LABELS -> "sequences of %s with %d labels".formatted(inputs, schema.outputs());
      case TAGS -> "sequences of %s with %d tags".formatted(inputs, schema.outputs());
      case TARGETS -> "sequences of %s with %d targets".formatted(inputs, schema.outputs());
    };
  }
}
