package org.sparkrnn.worker.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.model.TaskSpec;

/** The memory that is planned and printed is that of docs/kernel.md, "Memory of a task". */
class NativeTaskMemoryTest {

  @ParameterizedTest
  @CsvSource({
    "float32, lstm, 2, 512, 512,    96, 64, 64, sgd,      0",
    "float32, gru,  2, 650, 650, 10000, 20, 35, momentum, 0.5",
    "float32, lstm, 3, 115, 400, 33278, 80, 70, sgd,      0.3",
    "float32, gru,  1, 128, 128,    96, 32, 32, adam,     0",
    "float32, lstm, 2, 200,   0, 10000, 20, 20, rmsprop,  0.1",
    "float32, gru,  1,   1,   1,     2,  1,  1, sgd,      0",
    "float32, lstm, 3,  33,   0,    65,  7,  5, adam,     0.2",
    "float32, rnn-tanh,         2, 100,  20,    96, 64, 64, sgd,      0",
    "float32, lstm-coupled,     2,  33,   0,    96,  7,  5, adam,     0",
    "float32, lstm-peephole,    2,  33,  20,    96,  7,  5, sgd,      0.1",
    "float32, gru-reset-before, 2, 100,  20,    96, 64, 64, sgd,      0",
    "bf16,    rnn-relu,         2, 100,  20,    96, 64, 64, sgd,      0",
    "bf16,    gru-reset-before, 2, 100,   0,    96, 64, 64, sgd,      0",
    "bf16,    lstm, 2, 512, 512,    96, 64, 64, sgd,      0",
    "bf16,    gru,  2, 650, 650, 10000, 20, 35, momentum, 0.5",
    "bf16,    gru,  1,   1,   1,     2,  1,  1, sgd,      0",
    "bf16,    lstm, 3,  33,   0,    65,  7,  5, adam,     0.2",
    "bf16-amx, lstm, 2, 512, 512,    96, 64, 64, sgd,      0",
    "bf16-amx, gru,  2, 650, 650, 10000, 20, 35, momentum, 0.5",
    "bf16-amx, gru,  1,   1,   1,     2,  1,  1, sgd,      0",
    "bf16-amx, gru,  3,  33,   0,    65,  7,  5, adam,     0.2",
    "bf16-amx, rnn-tanh, 2, 33, 40,  65,  7,  5, sgd,      0",
    "bf16-amx, lstm-coupled, 2, 130, 40, 65, 70, 35, sgd,  0"
  })
  void theArenaIsTheDocumentsFormula(
      String precision,
      String cell,
      int layers,
      int hidden,
      int embedding,
      int vocabulary,
      int batch,
      int window,
      String optimizer,
      String dropout) {
    TrainingConfig config =
        Runs.config(
            "model.cell=" + cell,
            "model.layers=" + layers,
            "model.hidden=" + hidden,
            "model.input=" + (embedding == 0 ? "one-hot" : "embedding"),
            "model.embedding=" + Math.max(1, embedding),
            "model.dropout=" + dropout,
            "model.recurrent-weight-dropout=" + dropout, // takes none
            "batch.streams=" + batch,
            "batch.window=" + window,
            "optimizer.kind=" + optimizer,
            "kernel.choice=native",
            "kernel.isa=portable", // may not emulate bf16: sizes need no processor that could train
            "kernel.precision=" + precision);
    ModelSpec spec = ModelSpec.of(config.model(), vocabulary);
    MemoryFormula.Sizes sizes =
        new MemoryFormula.Sizes(
            spec.cell(), layers, hidden, embedding, vocabulary, batch, window, precision);
    TaskMemory memory = TaskMemory.of(config, spec);

    assertThat(spec.layout().size()).isEqualTo(Math.toIntExact(sizes.parameters()));
    assertThat(memory.nativeBytes())
        .as("docs/kernel.md, Memory of a task")
        .isEqualTo(
            4
                * MemoryFormula.languageModel(
                    sizes, ReplicaTrainer.momentVectors(config), !dropout.equals("0")));
  }

  @ParameterizedTest
  @CsvSource({
    // precision, cell, layers, hidden, embedding (0: one-hot, -1: numbers), kinds, batch, longest,
    // task, outputs, bidirectional, optimizer, dropout
    "float32,  lstm, 1,  64, 20, 96, 16, 30, classification,  5, none,   sgd,      0",
    "float32,  lstm, 2,  40, 24, 96, 16, 30, classification,  5, concat, adam,     0.3",
    "float32,  gru,  2,  40,  0, 65,  7, 11, classification,  3, sum,    sgd,      0.3",
    "float32,  gru,  2,  33, 24, 96, 16, 30, tagging,        17, concat, momentum, 0",
    "float32,  lstm, 3,  20,  0, 65,  7, 11, tagging,        17, none,   sgd,      0.2",
    "float32,  lstm, 3,  20, 24, 65,  7, 11, classification, 17, none,   sgd,      0.2",
    "float32,  lstm, 3,  20, 24, 65,  7, 11, classification, 17, concat, sgd,      0",
    "float32,  lstm, 2,  33, -1,  7, 16, 96, regression,     24, none,   adam,     0.1",
    "float32,  gru,  2,  33, -1,  7, 16, 96, regression,     24, concat, sgd,      0",
    "bf16,     lstm, 2,  40, 24, 96, 16, 30, classification,  5, concat, adam,     0.3",
    "bf16-amx, gru,  2,  33, 24, 96, 16, 30, tagging,        17, concat, momentum, 0",
    "bf16-amx, gru-reset-before, 2, 33, -1, 7, 16, 96, regression, 24, sum, sgd,   0"
  })
  void theArenaOfSequencesIsTheDocumentsFormula(
      String precision,
      String cell,
      int layers,
      int hidden,
      int embedding,
      int kinds,
      int batch,
      int longest,
      String task,
      int outputs,
      String bidirectional,
      String optimizer,
      String dropout) {
    boolean dense = embedding < 0;
    boolean residual = layers == 3;
    TrainingConfig config =
        Runs.config(
            "model.task=" + task,
            "model.bidirectional=" + bidirectional,
            "model.cell=" + cell,
            "model.layers=" + layers,
            "model.hidden=" + hidden,
            "model.input=" + (embedding > 0 ? "embedding" : "one-hot"),
            "model.embedding=" + Math.max(1, embedding),
            "model.dropout=" + dropout,
            "model.residual=" + residual,
            "batch.streams=" + batch,
            "batch.window=" + longest,
            "optimizer.kind=" + optimizer,
            "kernel.choice=native",
            "kernel.isa=portable",
            "kernel.precision=" + precision);
    ModelSpec spec =
        ModelSpec.of(config.model(), kinds, TaskSpec.of(config.task(), outputs, dense));
    MemoryFormula.Sizes sizes =
        new MemoryFormula.Sizes(
            spec.cell(), layers, hidden, Math.max(0, embedding), kinds, batch, longest, precision);
    int features = bidirectional.equals("concat") ? 2 * hidden : hidden;
    long floats =
        MemoryFormula.sequences(
            sizes,
            ReplicaTrainer.momentVectors(config),
            spec.layout().size(),
            dense,
            bidirectional.equals("none") ? 1 : 2,
            features,
            task.equals("tagging") ? sizes.positions() : batch,
            outputs,
            task.equals("regression"),
            !dropout.equals("0"),
            residual);

    assertThat(TaskMemory.of(config, spec).nativeBytes())
        .as("docs/kernel.md, Memory of a task")
        .isEqualTo(4 * floats);
  }

  /** Cut at 2000 and 6000: sizes of the two clusters and their columns. */
  @ParameterizedTest
  @CsvSource({
    "float32, 130, 10000, 20, 35, sgd, 32, 8",
    "bf16, 64, 6001, 7, 5, adam, 16, 4",
    "bf16-amx, 650, 33278, 20, 35, sgd, 162, 40"
  })
  void anAdaptiveSoftmaxTakesWhatTheDocumentSays(
      String precision,
      int hidden,
      int vocabulary,
      int batch,
      int window,
      String optimizer,
      int first,
      int second) {
    TrainingConfig config =
        Runs.config(
            "model.hidden=" + hidden,
            "model.embedding=40",
            "model.softmax=adaptive",
            "model.softmax-cutoffs=2000,6000",
            "batch.streams=" + batch,
            "batch.window=" + window,
            "optimizer.kind=" + optimizer,
            "kernel.choice=native",
            "kernel.isa=portable",
            "kernel.precision=" + precision);
    MemoryFormula.Sizes sizes =
        new MemoryFormula.Sizes(CellKind.LSTM, 2, hidden, 40, vocabulary, batch, window, precision);
    ModelSpec spec = ModelSpec.of(config.model(), vocabulary);
    int rest = vocabulary - 6000;
    long parameters =
        sizes.parameters()
            - (long) vocabulary * (hidden + 1)
            + 2002L * (hidden + 1)
            + (long) first * (hidden + 4000)
            + (long) second * (hidden + rest);
    assertThat((long) spec.layout().size()).isEqualTo(parameters);
    long floats =
        MemoryFormula.adaptive(
            sizes,
            ReplicaTrainer.momentVectors(config),
            parameters,
            2002,
            new int[] {first, second},
            new int[] {4000, rest});
    assertThat(TaskMemory.of(config, spec).nativeBytes()).isEqualTo(4 * floats);
  }

  @ParameterizedTest
  @CsvSource({
    "float32, 130, 10000, 20, 35, sgd, 1001",
    "bf16, 64, 6001, 7, 5, adam, 40",
    "bf16-amx, 650, 33278, 20, 35, sgd, 2000"
  })
  void aSampledSoftmaxTakesWhatTheDocumentSays(
      String precision,
      int hidden,
      int vocabulary,
      int batch,
      int window,
      String optimizer,
      int samples) {
    TrainingConfig config =
        Runs.config(
            "model.hidden=" + hidden,
            "model.embedding=40",
            "model.softmax=sampled",
            "model.softmax-samples=" + samples,
            "batch.streams=" + batch,
            "batch.window=" + window,
            "optimizer.kind=" + optimizer,
            "kernel.choice=native",
            "kernel.isa=portable",
            "kernel.precision=" + precision);
    MemoryFormula.Sizes sizes =
        new MemoryFormula.Sizes(CellKind.LSTM, 2, hidden, 40, vocabulary, batch, window, precision);
    ModelSpec spec = ModelSpec.of(config.model(), vocabulary);
    long floats = MemoryFormula.sampled(sizes, ReplicaTrainer.momentVectors(config), samples);
    assertThat(TaskMemory.of(config, spec).nativeBytes()).isEqualTo(4 * floats);
  }

  @ParameterizedTest
  @CsvSource({
    "float32, lstm,          2, 512, 256, 512, 96, 64, 64, 0,   none",
    "float32, lstm-peephole, 3,  33,  17,   0, 65,  7,  5, 0.2, none",
    "float32, lstm-coupled,  2, 100,   1,  20, 96, 20, 35, 0.2, concat",
    "bf16,    lstm,          2,  40,  33,  20, 96,  7,  5, 0.1, none",
    "bf16-amx, lstm,         2, 130,  33,  20, 96, 70, 35, 0,   none",
    "bf16-amx, lstm-coupled, 2,  33,  32,   0, 65,  7,  5, 0.2, sum"
  })
  void projectionTakesWhatTheDocumentSays(
      String precision,
      String cell,
      int layers,
      int hidden,
      int projection,
      int embedding,
      int vocabulary,
      int batch,
      int window,
      String dropout,
      String bidirectional) {
    boolean sequences = !bidirectional.equals("none");
    TrainingConfig config =
        Runs.config(
            "model.task=" + (sequences ? "tagging" : "language-model"),
            "model.bidirectional=" + bidirectional,
            "model.cell=" + cell,
            "model.layers=" + layers,
            "model.hidden=" + hidden,
            "model.projection=" + projection,
            "model.input=" + (embedding == 0 ? "one-hot" : "embedding"),
            "model.embedding=" + Math.max(1, embedding),
            "model.dropout=" + dropout,
            "batch.streams=" + batch,
            "batch.window=" + window,
            "optimizer.kind=adam",
            "kernel.choice=native",
            "kernel.isa=portable",
            "kernel.precision=" + precision);
    ModelSpec spec =
        sequences
            ? ModelSpec.of(config.model(), vocabulary, TaskSpec.of(config.task(), 9, false))
            : ModelSpec.of(config.model(), vocabulary);
    MemoryFormula.Sizes sizes =
        new MemoryFormula.Sizes(
            spec.cell(),
            layers,
            hidden,
            projection,
            embedding,
            vocabulary,
            batch,
            window,
            precision);
    boolean drops = !dropout.equals("0");
    int features = bidirectional.equals("concat") ? 2 * projection : projection;
    long positions = (long) batch * window;
    long floats =
        sequences
            ? MemoryFormula.sequences(
                sizes,
                2,
                spec.layout().size(),
                false,
                2,
                features,
                positions,
                9,
                false,
                drops,
                false)
            : MemoryFormula.languageModel(sizes, 2, drops);
    assertThat(TaskMemory.of(config, spec).nativeBytes()).isEqualTo(4 * floats);
  }

  @ParameterizedTest
  @CsvSource({
    "float32,  lstm,             2, 512, 512, 512, 64, 64",
    "float32,  lstm-peephole,    2,  33,  17,   0,  7,  5",
    "bf16,     gru,              3,  40,  40,  20,  7,  5",
    "bf16-amx, lstm,             2, 130,  33,  20, 70, 35",
    "bf16-amx, gru-reset-before, 2,  33,  33,   0,  7,  5",
    "bf16-amx, rnn-tanh,         2, 100, 100,  20,  7,  5"
  })
  void layerNormalisationTakesWhatTheDocumentSays(
      String precision,
      String cell,
      int layers,
      int hidden,
      int output,
      int embedding,
      int batch,
      int window) {
    TrainingConfig config =
        Runs.config(
            "model.cell=" + cell,
            "model.layers=" + layers,
            "model.hidden=" + hidden,
            "model.projection=" + (output < hidden ? output : 0),
            "model.layer-normalization=true",
            "model.input=" + (embedding == 0 ? "one-hot" : "embedding"),
            "model.embedding=" + Math.max(1, embedding),
            "batch.streams=" + batch,
            "batch.window=" + window,
            "optimizer.kind=adam",
            "kernel.choice=native",
            "kernel.isa=portable",
            "kernel.precision=" + precision);
    ModelSpec spec = ModelSpec.of(config.model(), 96);
    MemoryFormula.Sizes sizes =
        new MemoryFormula.Sizes(
            spec.cell(), layers, hidden, output, embedding, 96, batch, window, precision, true);
    assertThat(spec.layout().size()).isEqualTo(sizes.parameters());
    assertThat(TaskMemory.of(config, spec).nativeBytes())
        .isEqualTo(4 * MemoryFormula.languageModel(sizes, 2, false));
  }

  @ParameterizedTest
  @CsvSource({
    "float32, lstm, 2, 33, 7,  5, false, 0.1, 0.2",
    "float32, lstm, 1, 16, 3,  1, true,  0,   0.2",
    "float32, gru,  3, 50, 20, 7, true,  0.1, 0",
    "bf16-amx, lstm, 2, 300, 70, 35, false, 0.1, 0.2"
  })
  void zoneoutTakesWhatTheDocumentSays(
      String precision,
      String cell,
      int layers,
      int hidden,
      int batch,
      int window,
      boolean normalised,
      float ofHidden,
      float ofCell) {
    String[] settings = {
      "model.cell=" + cell,
      "model.layers=" + layers,
      "model.hidden=" + hidden,
      "batch.streams=" + batch,
      "batch.window=" + window,
      "kernel.choice=native",
      "kernel.isa=portable",
      "kernel.precision=" + precision,
      "model.layer-normalization=" + normalised,
      "model.zoneout-hidden=" + ofHidden,
      "model.zoneout-cell=" + ofCell
    };
    TrainingConfig with = Runs.config(settings);
    TrainingConfig without = Runs.config(Arrays.copyOf(settings, settings.length - 2));
    ModelSpec spec = ModelSpec.of(with.model(), 65);
    ModelSpec plain = ModelSpec.of(without.model(), 65);
    long positions = (long) batch * window;
    long units = (hidden + 15L) / 16 * 16;
    long choices = window * (units / 16) * ((batch + 15L) / 16 * 16);
    long floats =
        (ofHidden > 0 ? choices : 0)
            + (ofCell > 0 ? choices + (normalised ? (positions + batch) * units : 0) : 0);
    long planned = TaskMemory.of(with, spec).nativeBytes();
    assertThat(planned - TaskMemory.of(without, plain).nativeBytes())
        .isEqualTo(4L * layers * floats);
  }

  @Test
  void theJavaKernelsArenaIsOnTheHeap() {
    TrainingConfig config = Runs.config("kernel.choice=java");
    ModelSpec spec = ModelSpec.of(config.model(), Runs.VOCABULARY);
    TaskMemory onHeap = TaskMemory.of(config, spec);
    TaskMemory outside = TaskMemory.of(Runs.config("kernel.choice=native"), spec);
    long arena =
        LanguageModel.trainingBytes(
            spec,
            new JavaKernel(),
            config.batch().streams(),
            config.batch().window(),
            ReplicaTrainer.momentVectors(config));
    assertThat(onHeap.nativeBytes()).isZero();
    assertThat(onHeap.heapBytes()).isEqualTo(outside.heapBytes() + arena);
  }
}
