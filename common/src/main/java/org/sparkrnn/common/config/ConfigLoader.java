package org.sparkrnn.common.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import com.typesafe.config.ConfigValueType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.sparkrnn.common.config.KernelConfig.Choice;
import org.sparkrnn.common.config.KernelConfig.Isa;
import org.sparkrnn.common.config.KernelConfig.Precision;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.Json;
import org.sparkrnn.common.storage.JsonObject;

/**
 * Lays what the user wrote over the defaults of {@code reference.conf}, key by key.
 *
 * <p>Not with {@code ConfigFactory.load()}, which would merge the {@code reference.conf} of every
 * library on the class path and all system properties.
 */
final class ConfigLoader {
  /** Far above what anybody writes. */
  static final int MAX_LENGTH = 1 << 20;

  private static final String SPARK = "spark";

  private ConfigLoader() {}

  static Config parse(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new BadInputException(
          "Cannot read configuration %s: there is no such file".formatted(file));
    }
    requireLength(file.toString(), file.toFile().length());
    return resolved(
        file.toString(), () -> ConfigFactory.parseFile(file.toFile(), options(file.toString())));
  }

  static Config parse(String text) {
    requireLength("it", text.length());
    return resolved("it", () -> ConfigFactory.parseString(text, options("configuration")));
  }

  private static Config resolved(String name, Supplier<Config> parser) {
    try {
      return parser.get().resolve();
    } catch (ConfigException e) {
      throw new BadInputException("Cannot read configuration: " + firstLine(e), e);
    } catch (StackOverflowError e) { // the parser is recursive and has no limit of its own
      throw new BadInputException(
          "Cannot read configuration: %s is nested too deeply".formatted(name), e);
    }
  }

  private static void requireLength(String name, long length) {
    if (length > MAX_LENGTH) {
      throw new BadInputException(
          "Cannot read configuration: %s is longer than %d bytes".formatted(name, MAX_LENGTH));
    }
  }

  static TrainingConfig load(Config user, List<String> overrides) {
    Map<String, ConfigValue> values = new HashMap<>();
    SortedMap<String, String> spark = new TreeMap<>();
    collect("", reference().root(), values, spark);
    try {
      collect("", user.root(), values, spark);
    } catch (StackOverflowError e) {
      throw new BadInputException("Cannot read configuration: it is nested too deeply", e);
    }
    for (String override : overrides) {
      applyOverride(override, values, spark);
    }
    return build(new Settings(values), spark);
  }

  /** The settings in a checkpoint: plain JSON, groups of known keys, defaults for the others. */
  static TrainingConfig ofCheckpoint(byte[] json, String path) throws CorruptFileException {
    Map<String, ConfigValue> values = new HashMap<>();
    collect("", reference().root(), values, new TreeMap<>());
    JsonObject groups = Json.parse(json, path);
    for (String group : groups.names()) {
      JsonObject settings = groups.object(group);
      for (String name : settings.names()) {
        String key = group + "." + name;
        if (!ConfigKey.isKnown(key)) {
          throw new CorruptFileException(
              "Cannot read %s: it has an unknown setting %s".formatted(path, key));
        }
        values.put(key, valueOf(settings, name, path));
      }
    }
    try {
      return build(new Settings(values), new TreeMap<>());
    } catch (BadInputException e) {
      throw new CorruptFileException("Cannot read %s: %s".formatted(path, e.getMessage()), e);
    }
  }

  private static ConfigValue valueOf(JsonObject settings, String name, String path)
      throws CorruptFileException {
    return settings.isList(name)
        ? ConfigValueFactory.fromIterable(
            Arrays.stream(settings.integers(name, 0)).boxed().toList(), path)
        : ConfigValueFactory.fromAnyRef(settings.scalar(name).orElse(null), path);
  }

  static Config reference() {
    try (InputStream in = ConfigLoader.class.getResourceAsStream("reference.conf")) {
      if (in == null) {
        throw new IllegalStateException("Cannot read reference.conf: it is not on the class path");
      }
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return ConfigFactory.parseString(text, options("reference.conf")).resolve();
    } catch (IOException e) {
      throw new IllegalStateException("Cannot read reference.conf", e);
    }
  }

  private static ConfigParseOptions options(String origin) {
    return ConfigParseOptions.defaults()
        .setSyntax(ConfigSyntax.CONF) // whatever the file's name ends with
        .setAllowMissing(false)
        .setOriginDescription(origin);
  }

  /** Adds every leaf below an object; unlike {@code Config.entrySet} also those that are null. */
  private static void collect(
      String prefix,
      ConfigObject object,
      Map<String, ConfigValue> values,
      SortedMap<String, String> spark) {
    object.forEach(
        (name, value) -> {
          String key = prefix + name;
          if (key.equals(SPARK)) {
            collectSpark(value, spark);
          } else if (ConfigKey.isKnown(key)) {
            values.put(key, value);
          } else if (value instanceof ConfigObject child
              && !isSparkKey(key)
              && (!child.isEmpty() || ConfigKey.isGroup(key))) {
            collect(key + ".", child, values, spark);
          } else {
            checkNotUnknown(key, value);
          }
        });
  }

  private static void collectSpark(ConfigValue group, SortedMap<String, String> spark) {
    if (!(group instanceof ConfigObject settings)) {
      throw new BadInputException(
          "Cannot read spark (%s): it must be a group of quoted keys".formatted(where(group)));
    }
    settings.forEach(
        (name, value) -> {
          if (value.valueType() == ConfigValueType.OBJECT
              || value.valueType() == ConfigValueType.LIST
              || value.valueType() == ConfigValueType.NULL) {
            // "a = 1, a.b = 2" would silently lose the first of the two.
            throw new BadInputException(
                ("Cannot read spark.%s (%s): write Spark's settings as quoted strings of one level,"
                        + " such as spark { \"speculation.quantile\" : 0.9 }")
                    .formatted(name, where(value)));
          }
          spark.put("spark." + name, settings.toConfig().getString(ConfigUtil.joinPath(name)));
        });
  }

  private static void checkNotUnknown(String key, ConfigValue value) {
    if (isSparkKey(key)) {
      throw new BadInputException(
          "Cannot read setting %s (%s): write it as spark { \"%s\" : … }"
              .formatted(key, where(value), key.substring("spark.".length())));
    }
    if (ConfigKey.isGroup(key)) {
      throw new BadInputException(
          "Cannot read setting %s (%s): it is a group of settings".formatted(key, where(value)));
    }
    throw new BadInputException(
        "Unknown setting %s (%s): did you mean %s?"
            .formatted(key, where(value), ConfigKey.nearest(key)));
  }

  private static void applyOverride(
      String override, Map<String, ConfigValue> values, SortedMap<String, String> spark) {
    int equals = override.indexOf('=');
    if (equals <= 0) {
      throw new BadInputException("Cannot read --set %s: it must be key=value".formatted(override));
    }
    String key = override.substring(0, equals).strip();
    String value = override.substring(equals + 1);
    if (isSparkKey(key)) {
      spark.put(key, value);
      return;
    }
    ConfigValue text = ConfigValueFactory.fromAnyRef(value.strip(), "--set");
    if (!ConfigKey.isKnown(key)) {
      checkNotUnknown(key, text);
    }
    values.put(key, text);
  }

  private static boolean isSparkKey(String key) {
    return key.startsWith("spark.");
  }

  private static TrainingConfig build(Settings settings, SortedMap<String, String> spark) {
    int replicas = RunConfig.requireReplicas(settings.integer("training.replicas"));
    return new TrainingConfig(
        new CorpusConfig(
            settings.text("corpus.path"),
            settings.texts("corpus.input"),
            settings.word("corpus.unit", Unit.class),
            settings.text("corpus.split"),
            settings.integer("corpus.min-count"),
            settings.integer("corpus.max-vocabulary")),
        new CheckpointConfig(
            settings.text("checkpoint.path"),
            settings.integer("checkpoint.every-rounds"),
            settings.integer("checkpoint.keep-last"),
            settings.flag("checkpoint.keep-best")),
        new ModelConfig(
            settings.word("model.cell", ModelConfig.Cell.class),
            settings.integer("model.layers"),
            settings.integers("model.hidden"),
            settings.integers("model.projection"),
            settings.flag("model.layer-normalization"),
            settings.flag("model.residual"),
            settings.word("model.input", ModelConfig.Input.class),
            settings.integer("model.embedding"),
            settings.flag("model.tied"),
            settings.text("model.pretrained-embeddings"),
            settings.flag("model.frozen-embedding"),
            new SoftmaxConfig(
                settings.word("model.softmax", SoftmaxConfig.Kind.class),
                settings.integersOrNone("model.softmax-cutoffs"),
                settings.integer("model.softmax-divisor"),
                settings.integer("model.softmax-samples")),
            new DropoutConfig(
                settings.number("model.dropout"),
                settings.word("model.dropout-kind", DropoutConfig.Kind.class),
                settings.numberOrNaN("model.dropout-input"),
                settings.numberOrNaN("model.dropout-hidden"),
                settings.numberOrNaN("model.dropout-output"),
                settings.number("model.embedding-dropout"),
                settings.number("model.word-dropout"),
                settings.number("model.recurrent-weight-dropout"),
                settings.number("model.zoneout-hidden"),
                settings.number("model.zoneout-cell")),
            settings.word("model.initialization", ModelConfig.Initialization.class),
            settings.number("model.initialization-range"),
            settings.numberOrNaN("model.forget-gate-bias")),
        new TaskConfig(
            settings.word("model.task", TaskConfig.Task.class),
            settings.word("model.bidirectional", TaskConfig.Bidirectional.class),
            settings.word("model.pooling", TaskConfig.Pooling.class)),
        new LossConfig(
            settings.word("loss.reduction", LossConfig.Reduction.class),
            settings.number("loss.activation-penalty"),
            settings.number("loss.temporal-penalty")),
        BatchConfig.of(
            settings.integerOrAuto("batch.streams"),
            settings.integerOrAuto("batch.global-streams"),
            settings.integer("batch.window"),
            settings.word("batch.window-lengths", BatchConfig.WindowLengths.class),
            settings.integer("batch.bucket-batches"),
            replicas),
        new OptimizerConfig(
            settings.word("optimizer.kind", OptimizerConfig.Kind.class),
            settings.number("optimizer.learning-rate"),
            settings.number("optimizer.momentum"),
            settings.number("optimizer.decay"),
            settings.number("optimizer.beta1"),
            settings.number("optimizer.beta2"),
            settings.number("optimizer.momentum-decay"),
            settings.number("optimizer.lambda"),
            settings.number("optimizer.alpha"),
            settings.longInteger("optimizer.averaging-start"),
            settings.integer("optimizer.non-monotone"),
            settings.number("optimizer.epsilon"),
            settings.number("optimizer.weight-decay"),
            settings.number("optimizer.l1"),
            settings.word("optimizer.state", OptimizerConfig.State.class)),
        new ClippingConfig(settings.number("clipping.norm"), settings.number("clipping.value")),
        new ScheduleConfig(
            settings.word("schedule.kind", ScheduleConfig.Kind.class),
            settings.integer("schedule.constant-epochs"),
            settings.number("schedule.factor"),
            settings.integer("schedule.patience"),
            settings.number("schedule.min-learning-rate"),
            settings.longInteger("schedule.warmup-tokens")),
        new RunConfig(
            replicas,
            settings.integer("training.epochs"),
            settings.longInteger("training.max-rounds"),
            settings.longInteger("training.max-tokens"),
            settings.duration("training.max-duration"),
            settings.text("training.until"),
            settings.integer("training.patience"),
            settings.longInteger("training.seed"),
            settings.duration("training.stop-grace")),
        RoundConfig.of(
            settings.integerOrAuto("round.local-steps"),
            settings.integerOrAuto("round.warmup-steps"),
            settings.word("round.delta", RoundConfig.Delta.class),
            settings.duration("round.timeout"),
            settings.bytes("round.inline-state-bytes"),
            replicas),
        OuterConfig.of(
            settings.word("outer.kind", OuterConfig.Choice.class),
            settings.number("outer.learning-rate"),
            settings.number("outer.momentum"),
            replicas),
        new EvaluationConfig(
            settings.integer("evaluation.streams"), settings.integer("evaluation.every-rounds")),
        new KernelConfig(
            settings.word("kernel.choice", Choice.class),
            settings.word("kernel.isa", Isa.class),
            settings.word("kernel.precision", Precision.class),
            settings.flag("kernel.bf16-emulation")),
        new ForecastConfig(
            settings.bytes("forecast.bandwidth"), settings.number("forecast.gflops")),
        new DisplayConfig(
            settings.word("display.progress", DisplayConfig.Progress.class),
            settings.integer("display.sample-length"),
            settings.text("display.sample-prompt")),
        spark);
  }

  static String where(ConfigValue value) {
    return value.origin().description();
  }

  private static String firstLine(ConfigException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }
}
