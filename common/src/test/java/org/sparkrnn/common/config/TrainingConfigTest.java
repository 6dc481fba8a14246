package org.sparkrnn.common.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkrnn.common.errors.BadInputException;

class TrainingConfigTest {
  @TempDir Path directory;

  private static TrainingConfig of(String... overrides) {
    return TrainingConfig.load("", List.of(overrides));
  }

  private Path file(String text) throws IOException {
    return Files.writeString(directory.resolve("test.conf"), text);
  }

  @Test
  void everyKeyOfTheTableIsDocumentedInTheReferenceAndViceVersa() {
    Config reference = ConfigLoader.reference();
    List<String> documented = new ArrayList<>();
    reference
        .root()
        .forEach(
            (group, value) -> {
              if (!group.equals("spark")) {
                reference
                    .getObject(group)
                    .keySet()
                    .forEach(name -> documented.add(group + "." + name));
              }
            });
    assertThat(documented)
        .containsExactlyInAnyOrderElementsOf(ConfigKey.ALL.stream().map(ConfigKey::name).toList());
    for (String key : documented) {
      List<String> path = ConfigUtil.splitPath(key);
      ConfigValue value = reference.getObject(path.get(0)).get(path.get(1));
      assertThat(value.origin().comments()).as(key).isNotEmpty();
    }
  }

  @Test
  void theReferenceMarksWhatDecidesResults() {
    Config reference = ConfigLoader.reference();
    for (ConfigKey key : ConfigKey.ALL) {
      List<String> path = ConfigUtil.splitPath(key.name());
      String comment =
          reference.getObject(path.get(0)).get(path.get(1)).origin().comments().get(0).strip();
      assertThat(comment.startsWith("(s)"))
          .as(key.name())
          .isEqualTo(key.effect() == ConfigKey.Effect.SEMANTIC);
      assertThat(comment.startsWith("(e)"))
          .as(key.name())
          .isEqualTo(key.effect() == ConfigKey.Effect.EVALUATION);
    }
  }

  @Test
  void everyAccessorIsItsKeyInCamelCase() throws ReflectiveOperationException {
    TrainingConfig config = of();
    int fields = 0;
    for (ConfigKey key : ConfigKey.ALL) {
      List<String> path = ConfigUtil.splitPath(key.name());
      for (Object group : groups(config, path.get(0))) {
        for (RecordComponent component : group.getClass().getRecordComponents()) {
          String kebab =
              component
                  .getName()
                  .replaceAll("OrNaN$", "")
                  .replaceAll("([A-Z])", "-$1")
                  .toLowerCase(java.util.Locale.ROOT);
          if (kebab.equals(path.get(1))) {
            assertThat(component.getAccessor().invoke(group))
                .as(key.name())
                .isEqualTo(key.value().apply(config));
            fields++;
          }
        }
      }
    }
    assertThat(fields).isEqualTo(ConfigKey.ALL.size());
  }

  /**
   * The records of a group of keys: that of its name, and for {@code model} its task, output and
   * dropout.
   */
  private static List<Object> groups(TrainingConfig config, String name)
      throws ReflectiveOperationException {
    Object group = TrainingConfig.class.getMethod(name).invoke(config);
    return name.equals("model")
        ? List.of(group, config.task(), config.model().dropouts(), config.model().output())
        : List.of(group);
  }

  @Test
  void theFileLiesOverTheDefaultsAndOverridesOverTheFile() throws IOException {
    Path file = file("model { hidden = 650, dropout = 0.5 }\nbatch.window = 35");
    TrainingConfig config = TrainingConfig.load(file, List.of("batch.window=20"));
    assertThat(config.model().hidden()).containsExactly(650, 650);
    assertThat(config.model().dropouts().dropout()).isEqualTo(0.5);
    assertThat(config.batch().window()).isEqualTo(20);
    assertThat(config.model().layers()).isEqualTo(2);
  }

  @Test
  void aMissingFileIsNamed() {
    assertThatThrownBy(() -> TrainingConfig.load(directory.resolve("no.conf"), List.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("no.conf")
        .hasMessageContaining("no such file");
  }

  @Test
  void aSyntaxErrorIsReportedWithFileAndLine() throws IOException {
    Path file = file("model {\n  hidden = = 3\n}");
    assertThatThrownBy(() -> TrainingConfig.load(file, List.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("test.conf: 2");
  }

  @ParameterizedTest
  @CsvSource({
    "model.hiden, model.hidden",
    "model.dropuot, model.dropout",
    "training.local-steps, round.local-steps",
    "optimiser.learning-rate, optimizer.learning-rate",
    "hidden, model.hidden",
    "round.localSteps, round.local-steps",
    "evaluate.streams, evaluation.streams",
  })
  void unknownKeyIsReportedWithItsLineAndTheNearestOne(String unknown, String nearest)
      throws IOException {
    Path file = file("# a comment\n" + unknown + " = 3\n");
    assertThatThrownBy(() -> TrainingConfig.load(file, List.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("Unknown setting " + unknown)
        .hasMessageContaining("test.conf: 2")
        .hasMessageContaining("did you mean " + nearest + "?");
    assertThatThrownBy(() -> of(unknown + "=3"))
        .hasMessageContaining("Unknown setting " + unknown + " (--set)")
        .hasMessageContaining(nearest);
  }

  @Test
  void anUnknownGroupOrAGroupWithoutBracesIsAnError() {
    assertThatThrownBy(() -> TrainingConfig.load("modell { hidden = 3 }", List.of()))
        .hasMessageContaining("modell.hidden");
    assertThatThrownBy(() -> TrainingConfig.load("modell {}", List.of()))
        .hasMessageContaining("modell");
    assertThatThrownBy(() -> TrainingConfig.load("model.hidden { size = 3 }", List.of()))
        .hasMessageContaining("model.hidden");
    assertThatThrownBy(() -> TrainingConfig.load("model = 3", List.of()))
        .hasMessageContaining("model")
        .hasMessageContaining("group");
    assertThatThrownBy(() -> of("model=3")).hasMessageContaining("group");
    assertThatThrownBy(() -> of("model.hidden")).hasMessageContaining("key=value");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "corpus.unit|byte|char, word",
        "corpus.split|90,10|three numbers",
        "corpus.split|90,5,6|sum 100",
        "corpus.split|0,50,50|three numbers",
        "corpus.split|NaN,50,50|three numbers",
        "corpus.min-count|0|positive",
        "corpus.max-vocabulary|-1|negative",
        "corpus.max-vocabulary|1|at least 2",
        "checkpoint.every-rounds|-1|negative",
        "checkpoint.keep-last|0|positive",
        "checkpoint.keep-best|maybe|true or false",
        "model.cell|rnn|lstm, gru",
        "model.layers|0|positive",
        "model.hidden|-5|positive",
        "model.hidden|2.7|an integer",
        "model.hidden|3000000000|at most 2147483647",
        "model.hidden|many|an integer",
        "model.input|onehot|embedding, one-hot",
        "model.embedding|0|positive",
        "model.dropout|1|below 1",
        "model.dropout|-0.1|at least 0",
        "model.initialization|xaver|uniform, pytorch",
        "model.initialization-range|0|positive",
        "model.forget-gate-bias|one|a number",
        "loss.reduction|mean|token-mean, sum-time-mean-batch",
        "batch.streams|0|positive",
        "batch.window|0|positive",
        "optimizer.kind|lion|sgd, momentum, rmsprop, adagrad, adadelta, adam, adamw, nadam",
        "optimizer.learning-rate|0|positive",
        "optimizer.learning-rate|NaN|a number",
        "optimizer.learning-rate|1e999|finite",
        "optimizer.momentum|1|below 1",
        "optimizer.decay|1.5|below 1",
        "optimizer.beta1|1|below 1",
        "optimizer.beta2|-1|at least 0",
        "optimizer.momentum-decay|-1|negative",
        "optimizer.epsilon|0|positive",
        "optimizer.weight-decay|-0.1|negative",
        "optimizer.l1|-0.1|negative",
        "optimizer.state|drop|keep-local, average, reset",
        "clipping.norm|-1|negative",
        "clipping.value|-0.5|negative",
        "schedule.kind|linear|constant, step, cosine, plateau",
        "schedule.constant-epochs|-1|negative",
        "schedule.factor|0|above 0",
        "schedule.factor|1.1|at most 1",
        "schedule.patience|-1|negative",
        "schedule.min-learning-rate|-1|negative",
        "schedule.warmup-tokens|-1|negative",
        "training.replicas|0|positive",
        "training.epochs|0|positive",
        "training.max-rounds|-1|negative",
        "training.max-tokens|-1|negative",
        "training.max-duration|-1s|negative",
        "training.max-duration|soon|a duration",
        "training.until|5h30|a time of day",
        "training.until|24:10|a time of day",
        "training.patience|-1|negative",
        "training.seed|99999999999999999999|an integer",
        "training.stop-grace|-1s|negative",
        "batch.global-streams|0|positive",
        "round.local-steps|0|positive",
        "round.local-steps|often|an integer of at most 2147483647, or auto",
        "round.warmup-steps|-1|negative",
        "round.timeout|0s|positive",
        "round.inline-state-bytes|-1|a size",
        "round.inline-state-bytes|lots|a size",
        "outer.kind|adam|auto, average, nesterov",
        "outer.learning-rate|0|positive",
        "outer.momentum|1|below 1",
        "evaluation.streams|-1|negative",
        "evaluation.every-rounds|-1|negative",
        "kernel.choice|gpu|auto, native, java",
        "kernel.isa|sse|auto, avx512, avx2, portable",
        "kernel.precision|fp16|float32, bf16, bf16-amx",
        "display.progress|full|auto, bar, plain, none",
        "display.sample-length|-1|negative",
      })
  void everyValueOutOfRangeNamesItsKeyAndValue(String key, String value, String expected) {
    assertThatThrownBy(() -> of(key + "=" + value))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining(key)
        .hasMessageContaining(expected)
        .message()
        .matches(
            message ->
                message.contains(value)
                    || message.contains(Double.parseDouble(value.replace("s", "")) + "")
                    || message.contains("-1000ms")
                    || message.contains("0ms"));
  }

  @ParameterizedTest
  @CsvSource({
    "auto, 1, AVERAGE, 1, 0",
    "auto, 4, AVERAGE, 1, 0",
    "auto, 5, NESTEROV, 0.7, 0.9",
    "average, 5, AVERAGE, 1, 0",
    "nesterov, 1, NESTEROV, 0.7, 0.9"
  })
  void theOuterStepGoesByTheNumberOfReplicasUnlessItIsNamed(
      String kind, int replicas, OuterConfig.Kind expected, double rate, double momentum) {
    TrainingConfig config =
        of(
            "outer.kind=" + kind,
            "training.replicas=" + replicas,
            "outer.learning-rate=0.7",
            "outer.momentum=0.9");
    assertThat(config.outer()).isEqualTo(new OuterConfig(expected, rate, momentum));
  }

  @ParameterizedTest
  @CsvSource({
    // streams, global-streams, replicas -> streams of each, of one, local steps, warm-up
    "auto, auto, 1, 20, 20, 200, 0",
    "auto, auto, 2, 10, 20, 100, 0",
    "auto, auto, 4, 5, 20, 100, 0",
    "auto, auto, 8, 3, 20, 100, 500",
    "auto, auto, 1000, 1, 20, 100, 500",
    "auto, 64, 8, 8, 64, 100, 500",
    "16, auto, 8, 16, 16, 100, 500",
    "16, 64, 8, 16, 64, 100, 500"
  })
  void whatAReplicaTrainsGoesByTheirNumber(
      String streams, String global, int replicas, int each, int one, int local, int warmup) {
    TrainingConfig config =
        of(
            "batch.streams=" + streams,
            "batch.global-streams=" + global,
            "training.replicas=" + replicas);
    assertThat(config.batch().streams()).isEqualTo(each);
    assertThat(config.batch().globalStreams()).isEqualTo(one);
    assertThat(config.round().localSteps()).isEqualTo(local);
    assertThat(config.round().warmupSteps()).isEqualTo(warmup);
    assertThat(config.mostStreams()).isEqualTo(warmup > 0 ? Math.max(each, one) : each);
    TrainingConfig saved = TrainingConfig.load(config.semanticText(), List.of());
    assertThat(saved.batch()).isEqualTo(config.batch());
    assertThat(saved.differences(config)).isEmpty();
    TrainingConfig other = of("batch.streams=" + each, "training.replicas=" + replicas);
    assertThat(other.differences(config).isEmpty()).isEqualTo(warmup == 0 || each == one);
  }

  @Test
  void numbersAreNeverTruncated() {
    assertThat(of("training.max-tokens=1e9").training().maxTokens()).isEqualTo(1_000_000_000L);
    assertThat(of("model.hidden=128.0").model().hidden()).containsOnly(128);
    assertThat(of("training.seed=-9223372036854775808").training().seed())
        .isEqualTo(Long.MIN_VALUE);
    assertThatThrownBy(() -> TrainingConfig.load("model.hidden = 2.7", List.of()))
        .hasMessageContaining(
            "model.hidden must be an integer of at most 2147483647, or a list of them, got 2.7");
    assertThatThrownBy(() -> of("model.hidden=1e999999999")).hasMessageContaining("model.hidden");
  }

  @Test
  void durationsAndSizesHaveTheUnitsOfHocon() {
    TrainingConfig config =
        TrainingConfig.load(
            "round { timeout = 90s, inline-state-bytes = 2MB }\ntraining.max-duration = 8 hours",
            List.of("training.stop-grace=1500ms"));
    assertThat(config.round().timeout()).isEqualTo(Duration.ofSeconds(90));
    assertThat(config.round().inlineStateBytes()).isEqualTo(2_000_000);
    assertThat(config.training().maxDuration()).isEqualTo(Duration.ofHours(8));
    assertThat(config.training().stopGrace()).isEqualTo(Duration.ofMillis(1500));
    assertThat(of("round.inline-state-bytes=2MiB").round().inlineStateBytes()).isEqualTo(2 << 20);
  }

  @Test
  void sparkSettingsAreQuotedStringsOfOneLevel() {
    TrainingConfig config =
        TrainingConfig.load(
            "spark { \"speculation\" : true, \"speculation.quantile\" : 0.90,"
                + " \"executor.memory\" : 4g }",
            List.of());
    assertThat(config.spark())
        .isEqualTo(
            Map.of(
                "spark.speculation", "true",
                "spark.speculation.quantile", "0.90",
                "spark.executor.memory", "4g"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "spark { speculation.quantile : 0.9 }",
        "spark.executor.memory = 4g",
        "spark { \"a\" : [1] }",
        "spark { \"a\" : null }",
        "spark = 3",
        "\"spark.executor.memory\" = 4g",
      })
  void otherFormsOfSparkSettingsAreRefused(String text) {
    assertThatThrownBy(() -> TrainingConfig.load(text, List.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("spark")
        .hasMessageContaining("configuration: 1");
  }

  @Test
  void sparkOverridesNeverPassThroughHocon() {
    String value = " -Da=\"b\" # ${x} // [1,2] {y:z} ";
    TrainingConfig config =
        of("spark.executor.extraJavaOptions=" + value, "spark.a.b=1", "spark.a=2");
    assertThat(config.spark())
        .containsEntry("spark.executor.extraJavaOptions", value)
        .containsEntry("spark.a.b", "1")
        .containsEntry("spark.a", "2");
  }

  @Test
  void overridesOfPathsAreTakenAsTheyStand() {
    assertThat(of("corpus.path=hdfs://nn:8020/a=b${c}#d").corpus().path())
        .isEqualTo("hdfs://nn:8020/a=b${c}#d");
    assertThat(of("display.sample-prompt=\"To be\"").display().samplePrompt())
        .isEqualTo("\"To be\"");
    assertThat(of("corpus.input=a.txt,hdfs://nn/b.txt").corpus().input())
        .containsExactly("a.txt", "hdfs://nn/b.txt");
  }

  @Test
  void anUnquotedUriIsAnErrorThatSpeaksOfQuotes() {
    assertThatThrownBy(() -> TrainingConfig.load("corpus.path = hdfs://namenode/corpus", List.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("configuration: 1")
        .hasMessageContaining("double quotes");
    assertThat(
            TrainingConfig.load("corpus.path = \"hdfs://namenode/corpus\"", List.of())
                .corpus()
                .path())
        .isEqualTo("hdfs://namenode/corpus");
  }

  @Test
  void systemPropertiesAndOtherLibrariesDoNotMatter() {
    System.setProperty("model.hidden", "7");
    try {
      assertThat(of().model().hidden()).containsOnly(128);
    } finally {
      System.clearProperty("model.hidden");
    }
  }

  @Test
  void aFileMayIncludeAnotherAndNameThingsOfTheEnvironment() throws IOException {
    Files.writeString(directory.resolve("base.conf"), "model.hidden = 77");
    Path file =
        file(
            "include \"base.conf\"\ncorpus.path = ${PATH}\"/x\"\nmodel.embedding = ${model.hidden}");
    TrainingConfig config = TrainingConfig.load(file, List.of());
    assertThat(config.model().hidden()).containsOnly(77);
    assertThat(config.model().embedding()).isEqualTo(77);
    assertThat(config.corpus().path()).isEqualTo(System.getenv("PATH") + "/x");
    assertThatThrownBy(() -> TrainingConfig.load("corpus.path = ${no.such}", List.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("no.such");
  }
}
