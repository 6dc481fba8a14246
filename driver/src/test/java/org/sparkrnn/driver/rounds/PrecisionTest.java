package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.LocalSpark;

/** Runs with {@code kernel.precision = bf16}. */
@Timeout(120)
class PrecisionTest {
  @RegisterExtension static final LocalSpark spark = new LocalSpark(2);

  @TempDir Path folder;
  private String corpus;

  @BeforeEach
  void writeCorpus() {
    corpus = TestRuns.corpus(folder.resolve("corpus"), 5, 400, 60).toString();
  }

  private void train(String run, TrainOptions options, Map<String, Object> settings)
      throws IOException {
    Map<String, Object> all = new LinkedHashMap<>(Map.of("kernel.precision", "bf16"));
    all.putAll(settings);
    Trainer.run(
        spark.context(), TestRuns.config(corpus, folder.resolve(run), all), options, List.of());
  }

  /** On a processor with the instruction, {@code auto} is the instruction. */
  @ParameterizedTest
  @ValueSource(strings = {"bf16", "bf16-amx"})
  void theProcessorAndEveryEmulationTrainTheSameBytes(String precision) throws IOException {
    Map<String, Object> settings =
        Map.of("kernel.precision", precision, "kernel.bf16-emulation", true);
    train("java", TrainOptions.start(), settings);
    for (String isa : new String[] {"auto", "portable"}) {
      Map<String, Object> own = new LinkedHashMap<>(settings);
      own.putAll(Map.of("kernel.choice", "native", "kernel.isa", isa));
      train(isa, TrainOptions.start(), own);
      assertThat(TestRuns.manifests(folder.resolve(isa)))
          .isEqualTo(TestRuns.manifests(folder.resolve("java")));
    }
    assertThat(TestRuns.metrics(folder.resolve("java")).get(0))
        .contains("java-%s-emulated".formatted(precision));
    assertThat(TestRuns.metrics(folder.resolve("auto")).get(0)).contains("native-", precision);
  }

  @Test
  void resumingWithAnotherPrecisionIsRefused() throws IOException {
    train("run", TrainOptions.start(), Map.of("kernel.bf16-emulation", true));
    assertThatThrownBy(
            () ->
                train(
                    "run", TrainOptions.start().resuming(), Map.of("kernel.precision", "float32")))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("kernel.precision")
        .hasMessageContaining("float32")
        .hasMessageContaining("bf16");
  }

  @ParameterizedTest
  @CsvSource({"bf16, bf16-amx", "bf16-amx, bf16"})
  void theTwoOrdersOfAddingAreTwoPrecisions(String first, String second) throws IOException {
    Map<String, Object> emulated = Map.of("kernel.bf16-emulation", true);
    Map<String, Object> settings = new LinkedHashMap<>(emulated);
    settings.put("kernel.precision", first);
    train("run", TrainOptions.start(), settings);
    settings.put("kernel.precision", second);
    assertThatThrownBy(() -> train("run", TrainOptions.start().resuming(), settings))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("kernel.precision");
  }

  @Test
  void aKernelThatOnlyEmulatesIsRefusedWithOneSentence() {
    assertThatThrownBy(() -> train("run", TrainOptions.start(), Map.of()))
        .isInstanceOf(BadInputException.class)
        .hasMessage(
            "Cannot use kernel.precision = bf16: the Java kernel only emulates it;"
                + " kernel.bf16-emulation = true allows that, many times slower");
    assertThat(folder.resolve("run").resolve("metrics.jsonl")).doesNotExist();
  }
}
