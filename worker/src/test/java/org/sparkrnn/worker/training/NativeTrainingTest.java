package org.sparkrnn.worker.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkrnn.common.config.ModelConfig.Cell;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.NativeKernel;
import org.sparkrnn.worker.model.ModelSpec;

/** A mixed cluster trains the same bytes: whole rounds of every kernel agree. */
class NativeTrainingTest {
  private static final int[] TOKENS = Runs.tokens(400, 7);

  private static ReplicaResult epoch(TrainingConfig config, Kernel kernel) throws IOException {
    ModelSpec spec = ModelSpec.of(config.model(), Runs.VOCABULARY);
    Plan plan = Plan.of(config, TOKENS.length);
    TrainingState state = TrainingState.start(plan);
    return ReplicaTrainer.run(
        config,
        spec,
        kernel,
        plan,
        state.task(0, (int) plan.steps()),
        spec.initialise(config.model(), 1),
        ReplicaState.start(),
        Runs.source(TOKENS),
        () -> false);
  }

  @ParameterizedTest
  @CsvSource({
    "auto, float32, lstm, sgd, embedding, 0",
    "auto, float32, gru, adam, embedding, 0.3",
    "auto, float32, lstm, rmsprop, one-hot, 0.3",
    "auto, float32, gru, momentum, one-hot, 0",
    "portable, float32, lstm, adam, embedding, 0.3",
    "portable, float32, gru, rmsprop, one-hot, 0",
    "auto, bf16, lstm, adam, embedding, 0.3",
    "auto, bf16, gru, sgd, one-hot, 0",
    "auto, bf16-amx, lstm, adam, embedding, 0.3",
    "auto, bf16-amx, gru, sgd, embedding, 0",
    "auto, bf16-amx, gru, sgd, one-hot, 0",
    "portable, bf16, gru, adam, embedding, 0.3"
  })
  void nativeAndJavaTrainTheSameBytes(
      String isa, String precision, String cell, String optimizer, String input, String dropout)
      throws IOException {
    TrainingConfig config =
        Runs.config(
            "model.cell=" + cell,
            "model.hidden=37",
            "model.embedding=21",
            "model.input=" + input,
            "model.dropout=" + dropout,
            "model.recurrent-weight-dropout=" + dropout,
            "model.zoneout-hidden=" + dropout,
            "model.zoneout-cell=" + (cell.startsWith("lstm") ? dropout : "0"),
            "optimizer.kind=" + optimizer,
            "optimizer.learning-rate=0.01",
            "clipping.norm=0.5",
            "clipping.value=0.2",
            "kernel.isa=" + isa,
            "kernel.precision=" + precision,
            "kernel.bf16-emulation=true");
    assertSame(config);
  }

  /** What AWD-LSTM is made of, with products in either precision. */
  @ParameterizedTest
  @CsvSource({"auto, float32", "portable, bf16"})
  void nativeAndJavaTrainTheSameBytesOfAwd(String isa, String precision) throws IOException {
    assertSame(
        Runs.config(
            "model.layers=3",
            "model.hidden=37,37,37",
            "model.residual=true",
            "model.embedding=37",
            "model.tied=true",
            "model.dropout-kind=variational",
            "model.dropout=0.3",
            "model.dropout-output=0.4",
            "model.embedding-dropout=0.1",
            "model.word-dropout=0.1",
            "model.recurrent-weight-dropout=0.5",
            "model.zoneout-hidden=0.1",
            "model.zoneout-cell=0.2",
            "loss.activation-penalty=2",
            "loss.temporal-penalty=1",
            "clipping.norm=0.25",
            "kernel.isa=" + isa,
            "kernel.precision=" + precision,
            "kernel.bf16-emulation=true"));
  }

  @ParameterizedTest
  @CsvSource({
    "adaptive, auto, float32, embedding, sgd",
    "adaptive, portable, float32, one-hot, adam",
    "adaptive, auto, bf16, embedding, adam",
    "adaptive, auto, bf16-amx, embedding, sgd",
    "sampled, auto, float32, embedding, sgd",
    "sampled, portable, float32, one-hot, adam",
    "sampled, auto, bf16, embedding, adam",
    "sampled, auto, bf16-amx, embedding, sgd"
  })
  void nativeAndJavaTrainTheSameBytesOfLargeVocabularies(
      String softmax, String isa, String precision, String input, String optimizer)
      throws IOException {
    assertSame(
        Runs.config(
            "model.hidden=37",
            "model.embedding=21",
            "model.input=" + input,
            "model.dropout=0.3",
            "model.softmax=" + softmax,
            "model.softmax-cutoffs=3,7",
            "model.softmax-divisor=2",
            "model.softmax-samples=9",
            "batch.window=3",
            "optimizer.kind=" + optimizer,
            "optimizer.learning-rate=0.01",
            "clipping.norm=0.5",
            "kernel.isa=" + isa,
            "kernel.precision=" + precision,
            "kernel.bf16-emulation=true"));
  }

  @ParameterizedTest
  @CsvSource({
    "auto, float32, lstm, 37",
    "auto, float32, lstm-peephole, 40",
    "portable, float32, lstm-coupled, 21",
    "auto, bf16, lstm, 21",
    "auto, bf16-amx, lstm-peephole-previous, 37"
  })
  void nativeAndJavaTrainTheSameBytesOfProjectedLayers(
      String isa, String precision, String cell, int embedding) throws IOException {
    assertSame(
        Runs.config(
            "model.cell=" + cell,
            "model.layers=3",
            "model.hidden=45,40,70",
            "model.projection=18,0," + (embedding == 40 ? 69 : 37),
            "model.layer-normalization=" + (embedding == 37),
            "model.embedding=" + embedding,
            "model.tied=" + (embedding == 37),
            "model.dropout=0.3",
            "model.recurrent-weight-dropout=0.5",
            "model.zoneout-hidden=0.1",
            "model.zoneout-cell=0.2",
            "loss.activation-penalty=2",
            "loss.temporal-penalty=1",
            "clipping.norm=0.25",
            "kernel.isa=" + isa,
            "kernel.precision=" + precision,
            "kernel.bf16-emulation=true"));
  }

  private static void assertSame(TrainingConfig config) throws IOException {
    ReplicaResult fast = epoch(config, new NativeKernel(config.kernel()));
    ReplicaResult readable = epoch(config, new JavaKernel(config.kernel().precision()));
    assertThat(fast.parameters()).isEqualTo(readable.parameters());
    assertThat(fast.state().hidden()).isEqualTo(readable.state().hidden());
    assertThat(fast.state().moments()).isEqualTo(readable.state().moments());
    assertThat(fast.statistics().lossSumNats()).isEqualTo(readable.statistics().lossSumNats());
  }

  @ParameterizedTest
  @EnumSource
  void everyCellTrainsTheSameBytes(Cell cell) throws IOException {
    String name = Runs.text(cell);
    nativeAndJavaTrainTheSameBytes("auto", "float32", name, "adam", "embedding", "0.3");
    nativeAndJavaTrainTheSameBytes("portable", "bf16", name, "sgd", "one-hot", "0");
  }
}
