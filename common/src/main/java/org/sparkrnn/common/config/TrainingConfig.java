package org.sparkrnn.common.config;

import java.io.Serializable;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.sparkrnn.common.config.ConfigKey.Effect;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.Json;

/**
 * All settings of a training run, one record per group. Accessors are the keys in camel case:
 * {@code round.local-steps} is {@code config.round().localSteps()}.
 *
 * @param spark Spark's own settings with their full names, such as {@code spark.speculation}
 */
public record TrainingConfig(
    CorpusConfig corpus,
    CheckpointConfig checkpoint,
    ModelConfig model,
    TaskConfig task,
    LossConfig loss,
    BatchConfig batch,
    OptimizerConfig optimizer,
    ClippingConfig clipping,
    ScheduleConfig schedule,
    RunConfig training,
    RoundConfig round,
    OuterConfig outer,
    EvaluationConfig evaluation,
    KernelConfig kernel,
    ForecastConfig forecast,
    DisplayConfig display,
    SortedMap<String, String> spark)
    implements Serializable {
  public TrainingConfig {
    if (task.isOfSequences()) {
      requireNoLanguageModel(model, loss, batch);
      requireOneLastStep(model, task);
    }
    spark = Collections.unmodifiableSortedMap(new TreeMap<>(spark));
  }

  /** Whether one replica trains in the place of all when the run begins. */
  public boolean warmsUp() {
    return training.replicas() > 1 && round.warmupSteps() > 0;
  }

  /** Streams of a replica at any time of the run, at most. */
  public int mostStreams() {
    return warmsUp() ? Math.max(batch.streams(), batch.globalStreams()) : batch.streams();
  }

  /** What only a language model has. */
  private static void requireNoLanguageModel(
      ModelConfig model, LossConfig loss, BatchConfig batch) {
    if (model.tied()
        || model.output().softmax() != SoftmaxConfig.Kind.FULL
        || loss.activationPenalty() > 0
        || loss.temporalPenalty() > 0
        || batch.windowLengths() != BatchConfig.WindowLengths.FIXED) {
      throw new BadInputException(
          "model.tied, model.softmax = adaptive or sampled, loss.activation-penalty,"
              + " loss.temporal-penalty and batch.window-lengths = drawn need model.task ="
              + " language-model");
    }
  }

  /** At which step would the input be added, where the directions' last steps differ? */
  private static void requireOneLastStep(ModelConfig model, TaskConfig task) {
    if (model.residual() && task.addsLastStates()) {
      throw new BadInputException(
          "model.residual with model.bidirectional = sum needs model.pooling = mean or max, got"
              + " last: the last steps of the two directions have different inputs");
    }
  }

  /**
   * Reads a HOCON file over the defaults.
   *
   * @param overrides {@code key=value} each; values are taken as they stand, not as HOCON
   * @throws org.sparkrnn.common.errors.BadInputException if a key is unknown, a value unfit, or the
   *     file unreadable
   */
  public static TrainingConfig load(Path file, List<String> overrides) {
    return ConfigLoader.load(ConfigLoader.parse(file), overrides);
  }

  /** The longest text that is read, in characters. */
  public static int maxLength() {
    return ConfigLoader.MAX_LENGTH;
  }

  /**
   * Reads the {@code config.json} of a checkpoint: what {@link #semanticText} wrote, with defaults
   * for all other settings. Unlike a user's file it is plain JSON, which includes nothing.
   *
   * @param path the file to name in messages
   * @throws CorruptFileException if it is not one
   */
  public static TrainingConfig ofCheckpoint(byte[] json, String path) throws CorruptFileException {
    return ConfigLoader.ofCheckpoint(json, path);
  }

  /** As {@link #load(Path, List)}, from HOCON or JSON text. */
  public static TrainingConfig load(String text, List<String> overrides) {
    return ConfigLoader.load(ConfigLoader.parse(text), overrides);
  }

  /**
   * The settings that decide results, as JSON with sorted keys: equal settings give equal bytes.
   * {@link #ofCheckpoint} reads it back, with defaults for all others.
   */
  public String semanticText() {
    Map<String, Object> groups = new TreeMap<>();
    for (ConfigKey key : ConfigKey.ALL) {
      if (key.effectIn(this) != Effect.FREE) {
        String[] names = key.name().split("\\.", 2);
        @SuppressWarnings("unchecked")
        Map<String, @Nullable Object> group =
            (Map<String, @Nullable Object>)
                groups.computeIfAbsent(names[0], name -> new TreeMap<String, Object>());
        group.put(names[1], canonical(key.value().apply(this)));
      }
    }
    return new String(Json.bytes(groups), StandardCharsets.UTF_8);
  }

  /** The settings that must not change when a run is resumed, and that these two disagree about. */
  public List<ConfigDifference> differences(TrainingConfig other) {
    List<ConfigDifference> differences = new ArrayList<>();
    for (ConfigKey key : ConfigKey.ALL) {
      Object value = key.value().apply(this);
      Object otherValue = key.value().apply(other);
      boolean decides =
          key.effectIn(this) == Effect.SEMANTIC || key.effectIn(other) == Effect.SEMANTIC;
      if (decides && !value.equals(otherValue)) {
        differences.add(
            new ConfigDifference(
                key.name(),
                Objects.toString(canonical(value)),
                Objects.toString(canonical(otherValue))));
      }
    }
    return List.copyOf(differences);
  }

  private static @Nullable Object canonical(Object value) {
    if (value instanceof Enum<?> word) {
      return Checks.text(word);
    }
    if (value instanceof Duration duration) {
      return duration.toMillis();
    }
    if (value instanceof Double number) {
      return number.isNaN() ? null : shortest(number);
    }
    if (value instanceof List<?> list && new HashSet<>(list).size() == 1) {
      return list.get(0); // one size for all layers, as most write it
    }
    return value;
  }

  /** The decimal of the fewest digits that reads back equal; the same on every Java. */
  private static BigDecimal shortest(double value) {
    BigDecimal exact = new BigDecimal(value);
    for (int digits = 1; digits < 17; digits++) {
      BigDecimal rounded = exact.round(new MathContext(digits));
      if (rounded.doubleValue() == value) {
        return rounded.scale() < 0 ? rounded.setScale(0) : rounded;
      }
    }
    BigDecimal rounded = exact.round(new MathContext(17));
    return rounded.scale() < 0 ? rounded.setScale(0) : rounded;
  }

  /** Without Spark's settings, among which are credentials. */
  @Override
  public String toString() {
    return semanticText();
  }
}
