package org.sparkrnn.common.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What of the settings decides the results, as a checkpoint records it. */
class SemanticTextTest {
  private static TrainingConfig of(String... overrides) {
    return TrainingConfig.load("", List.of(overrides));
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
