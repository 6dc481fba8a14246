package org.sparkrnn.common.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
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
  void layersMayHaveSizesOfTheirOwn() throws IOException {
    String list = "model { layers = 3, hidden = [1150, 1150, 400], embedding = 400, tied = true }";
    TrainingConfig config = TrainingConfig.load(list, List.of());
    assertThat(config.model().hidden()).containsExactly(1150, 1150, 400);
    assertThat(TrainingConfig.load(list, List.of("model.hidden=8, 9,400")).model().hidden())
        .containsExactly(8, 9, 400);
    TrainingConfig saved =
        TrainingConfig.ofCheckpoint(config.semanticText().getBytes(UTF_8), "config.json");
    assertThat(saved.differences(config)).isEmpty();
    assertThat(saved.semanticText()).isEqualTo(config.semanticText());
    assertThat(TrainingConfig.load("model.hidden = [7, 7]", List.of()).semanticText())
        .contains("\"hidden\" : 7,");
  }

  @Test
  void cutoffsOfTheSoftmaxAreKept() throws IOException {
    for (String cutoffs : List.of("[]", "[7]", "[7, 9]")) {
      String settings = "model { softmax-cutoffs = %s, softmax-divisor = 2 }".formatted(cutoffs);
      TrainingConfig config = TrainingConfig.load(settings, List.of());
      assertThat(config.model().output().softmaxCutoffs().toString()).isEqualTo(cutoffs);
      TrainingConfig saved =
          TrainingConfig.ofCheckpoint(config.semanticText().getBytes(UTF_8), "config.json");
      assertThat(saved.differences(config)).isEmpty();
      assertThat(saved.semanticText()).isEqualTo(config.semanticText());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model.hidden = [5, 6, 7] | one for each of model.layers = 2, got [5, 6, 7]",
        "model.hidden = [5, 0] | model.hidden must be positive, got 0",
        "model.hidden = [] | model.hidden must be an integer of at most 2147483647, or a list of them",
        "model.hidden = [5, a] | model.hidden must be an integer of at most 2147483647, or a list of them",
        "model.hidden = 2.5 | model.hidden must be an integer of at most 2147483647, or a list of them",
        "model { residual = true, hidden = [5, 6] } | model.residual needs at least two layers of equal",
        "model { residual = true, layers = 1 } | model.residual needs at least two layers of equal size",
        "model { tied = true, hidden = 127 } | ends in 127, model.embedding is 128",
        "model { tied = true, input = one-hot } | model.tied needs model.input = embedding",
        "model { tied = true, frozen-embedding = true } | model.frozen-embedding cannot be used with model.tied",
        "model { tied = true, softmax = adaptive, softmax-cutoffs = 9 } | model.tied cannot be used with model.softmax = adaptive",
        "model.softmax = adaptive | model.softmax = adaptive needs model.softmax-cutoffs, such as",
        "model.softmax-cutoffs = [5, 5] | model.softmax-cutoffs must be positive and ascending, got [5, 5]",
        "model.softmax-cutoffs = [0, 5] | model.softmax-cutoffs must be positive and ascending, got [0, 5]",
        "model.softmax-cutoffs = [a] | model.softmax-cutoffs must be an integer of at most",
        "model.softmax-divisor = 0 | model.softmax-divisor must be positive, got 0",
        "model { softmax = adaptive, softmax-cutoffs = 9, task = tagging } | need model.task = language-model",
        "model { pretrained-embeddings = x, input = one-hot } | need model.input = embedding, got one-hot",
        "model { word-dropout = 0.1, input = one-hot } | need model.input = embedding, got one-hot",
        "model.dropout-output = 1 | model.dropout-output must be at least 0 and below 1, got 1.0",
        "model.recurrent-weight-dropout = 1 | model.recurrent-weight-dropout must be at least 0 and below 1",
        "model.zoneout-hidden = 1 | model.zoneout-hidden must be at least 0 and below 1",
        "model { zoneout-cell = 0.1, cell = gru-reset-before } | needs a cell with a cell state, an LSTM, got model.cell = gru-reset-before",
        "loss.temporal-penalty = -1 | loss.temporal-penalty must not be negative, got -1.0"
      })
  void modelsThatCannotBeBuiltAreRefused(String settings, String message) {
    assertThatThrownBy(() -> TrainingConfig.load(settings, List.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining(message);
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
        "round.local-steps|0|positive",
        "round.timeout|0s|positive",
        "round.inline-state-bytes|-1|a size",
        "round.inline-state-bytes|lots|a size",
        "outer.kind|adam|average, nesterov",
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

  @Test
  void theForgetGateBiasIsAbsentUnlessItIsANumber() {
    assertThat(of().model().forgetGateBias()).isEmpty();
    assertThat(of("model.forget-gate-bias=0").model().forgetGateBias()).hasValue(0);
    assertThat(
            TrainingConfig.load(
                    "model.forget-gate-bias = 1", List.of("model.forget-gate-bias=null"))
                .model()
                .forgetGateBias())
        .isEmpty();
    assertThat(TrainingConfig.load("model.forget-gate-bias = null", List.of())).isEqualTo(of());
  }

  @Test
  void theSemanticTextReadsBackAndIsTheSameForTheSameSettings() {
    String[] overrides = {
      "model.hidden=650", "optimizer.learning-rate=0.30000000000000004", "model.dropout=0.5",
      "optimizer.epsilon=1e-8", "clipping.norm=1e20", "model.forget-gate-bias=-1.5",
      "training.seed=-3", "schedule.warmup-tokens=5000000000",
    };
    TrainingConfig config = of(overrides);
    String text = config.semanticText();
    TrainingConfig read = TrainingConfig.load(text, List.of());
    assertThat(read.semanticText()).isEqualTo(text);
    assertThat(read).isEqualTo(config);
    assertThat(read.differences(config)).isEmpty();
    assertThat(
            TrainingConfig.load("optimizer.epsilon=0.00000001\nmodel.dropout=0.50", List.of())
                .semanticText())
        .isEqualTo(of("model.dropout=5e-1").semanticText());
  }

  @Test
  void theSemanticTextHasNothingThatOnlySaysWhereOrHowLong() {
    TrainingConfig elsewhere =
        of(
            "corpus.path=/a",
            "corpus.input=b",
            "checkpoint.path=c",
            "checkpoint.every-rounds=3",
            "checkpoint.keep-last=9",
            "checkpoint.keep-best=false",
            "training.epochs=99",
            "training.max-rounds=3",
            "training.max-tokens=5",
            "training.max-duration=1s",
            "training.until=05:30",
            "training.patience=4",
            "training.stop-grace=1s",
            "round.timeout=1s",
            "round.inline-state-bytes=0",
            "kernel.choice=java",
            "kernel.isa=portable",
            "kernel.bf16-emulation=true",
            "display.progress=none",
            "display.sample-length=0",
            "display.sample-prompt=x",
            "spark.a=b");
    assertThat(elsewhere.semanticText()).isEqualTo(of().semanticText());
    assertThat(elsewhere.differences(of())).isEmpty();
  }

  @Test
  void differencesNameKeyAndBothValues() {
    assertThat(
            of("model.hidden=256", "model.cell=gru", "optimizer.learning-rate=1").differences(of()))
        .containsExactly(
            new ConfigDifference("model.cell", "gru", "lstm"),
            new ConfigDifference("model.hidden", "256", "128"),
            new ConfigDifference("optimizer.learning-rate", "1", "0.002"));
    assertThat(of("model.forget-gate-bias=1").differences(of()).get(0))
        .hasToString("model.forget-gate-bias is 1, was null");
  }

  @Test
  void evaluationIsRecordedButMayChangeOnResume() {
    TrainingConfig config = of("evaluation.streams=3");
    assertThat(config.differences(of())).isEmpty();
    assertThat(config.semanticText()).isNotEqualTo(of().semanticText());
  }

  @Test
  void epochsAreALimitUnlessTheLearningRateIsPlannedOverThem() {
    assertThat(of("training.epochs=20").differences(of())).isEmpty();
    assertThat(
            of("training.epochs=20", "schedule.kind=cosine")
                .differences(of("schedule.kind=cosine")))
        .containsExactly(new ConfigDifference("training.epochs", "20", "10"));
  }

  @Test
  void configurationsCrossJavaSerialization() throws IOException, ClassNotFoundException {
    TrainingConfig config = of("spark.a=b", "corpus.input=a,b");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(config);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(in.readObject()).isEqualTo(config);
    }
  }
}
