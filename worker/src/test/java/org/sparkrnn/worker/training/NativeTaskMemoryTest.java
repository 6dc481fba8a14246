package org.sparkrnn.worker.training;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.ModelSpec;

/** The memory that is planned and printed is that of docs/kernel.md, "Memory of a task". */
class NativeTaskMemoryTest {

  /** The sizes in the letters of the document. */
  private record Sizes(
      CellKind cell,
      int layers,
      int hidden,
      int embedding,
      int vocabulary,
      int batch,
      int window,
      String precision) {
    /** Floats that k terms of a product take. */
    long lanes(long k) {
      return switch (precision) {
        case "float32" -> k;
        case "bf16" -> (k + 1) / 2;
        default -> (k + 31) / 32 * 16;
      };
    }

    boolean copies() {
      return !precision.equals("float32");
    }

    boolean inChunks() {
      return precision.equals("bf16-amx");
    }

    /** Floats of a row that is copied for a product. */
    long copied(long columns) {
      return copies() ? row(lanes(to16(columns))) : 0;
    }

    /** Floats of a row of a left operand. */
    long row(long lanes) {
      long lines = (lanes + 15) / 16;
      return 16 * (inChunks() ? lines | 1 : lines);
    }

    boolean oneHot() {
      return embedding == 0;
    }

    long positions() {
      return (long) batch * window;
    }

    int states() {
      return cell.states();
    }

    int gates() {
      return cell.gates().size();
    }

    int slots() {
      return cell.slots().size();
    }

    int inputSlots() {
      return (int) cell.slots().stream().filter(CellKind.Slot::seesInput).count();
    }

    int gatedSlots() {
      return (int) cell.slots().stream().filter(CellKind.Slot::seesGated).count();
    }

    int hiddenSlots() {
      return (int) cell.slots().stream().filter(CellKind.Slot::seesHidden).count();
    }

    /** Columns of a forward panel's slots: those of a cell with one slot share panels of 64. */
    long panelColumns(int slots) {
      return slots == 1 ? to64(hidden) : slots * to16(hidden);
    }

    int input(int layer) {
      return layer > 0 ? hidden : oneHot() ? vocabulary : embedding;
    }

    long parameters() {
      long sum = (long) vocabulary * embedding + (long) vocabulary * (hidden + 1);
      for (int layer = 0; layer < layers; layer++) {
        sum +=
            (long) gates() * hidden * (input(layer) + hidden + 2)
                + (long) cell.peepholes() * hidden;
      }
      return sum;
    }
  }

  private static long to16(long n) {
    return (n + 15) / 16 * 16;
  }

  private static long to64(long n) {
    return (n + 63) / 64 * 64;
  }

  private static long floats(Sizes s, int momentVectors, boolean dropout) {
    long positions = s.positions();
    long units = to16(s.hidden);
    long floats = (2 + momentVectors) * to16(s.parameters());
    floats += 2 * positions * to16(s.embedding);
    for (int layer = 0; layer < s.layers; layer++) {
      floats += s.states() * (positions + s.batch) * units;
      floats += s.slots() * positions * units;
      floats += (positions + (long) s.states() * s.batch) * units;
      floats += dropout ? positions * units : 0;
      floats += packed(s, s.input(layer), s.oneHot() && layer == 0);
    }
    return floats + to16(3 * positions) + softmax(s);
  }

  private static long packed(Sizes s, int input, boolean oneHot) {
    long units = to16(s.hidden);
    long chunk = Math.min(s.lanes(s.positions()), s.inChunks() ? 1024 : 384);
    long slots = s.slots();
    long inputColumns = s.panelColumns(s.inputSlots());
    long recurrent =
        s.panelColumns(s.hiddenSlots()) * s.lanes(s.hidden)
            + to64(s.hidden) * s.lanes(units * s.hiddenSlots());
    long scratch =
        2 * (slots + s.cell.peepholes()) * units + 64L * s.batch + to64(s.hidden) * chunk;
    long columns = 16 * slots * (s.inChunks() ? 2 * s.row(chunk) : chunk);
    long gated =
        s.gatedSlots() == 0
            ? 0
            : s.gatedSlots() * units * s.lanes(s.hidden)
                + to64(s.hidden) * s.lanes(units * s.gatedSlots())
                + s.positions() * units
                + to64(s.hidden) * chunk;
    long copies = s.batch * s.copied(s.hidden) + gateCopies(s, units, oneHot);
    long common = recurrent + scratch + columns + copies + gated;
    return oneHot
        ? common + inputColumns * input + to16(s.positions()) + 16 * slots * input
        : common
            + inputColumns * s.lanes(input)
            + to64(input) * (s.lanes(units * s.inputSlots()) + chunk)
            + s.positions() * s.copied(input);
  }

  private static long gateCopies(Sizes s, long units, boolean oneHot) {
    if (!s.copies()) {
      return 0;
    }
    if (!s.inChunks()) {
      return s.positions() * units * s.slots() / 2;
    }
    boolean apart = s.inputSlots() < s.slots() || s.hiddenSlots() < s.slots();
    long input = apart && !oneHot ? s.row(s.lanes(units * s.inputSlots())) : 0;
    long gated = s.gatedSlots() > 0 ? s.row(s.lanes(units * s.gatedSlots())) : 0;
    return s.positions() * (s.row(s.lanes(units * s.hiddenSlots())) + input + gated);
  }

  private static long softmax(Sizes s) {
    long positions = s.positions();
    long largest =
        Math.min(s.inChunks() ? 1024 : 512, Math.max(64, (1 << 24) / s.vocabulary / 16 * 16));
    long tiles = (positions + largest - 1) / largest;
    long rows = (positions + tiles - 1) / tiles;
    long tile = s.inChunks() ? (rows + 31) / 32 * 32 : to16(rows);
    long words = Math.min(to16(s.vocabulary), s.inChunks() ? 448 : 224);
    long byWords = s.inChunks() ? s.row(s.lanes(words)) : s.lanes(words);
    long copies = words * (s.row(s.lanes(s.hidden)) + s.row(s.lanes(tile))) + byWords * tile;
    return to16(positions)
        + to64(tile) * s.lanes(s.hidden)
        + tile * (s.vocabulary + 18)
        + to64(s.hidden) * s.lanes(tile)
        + 64 * s.lanes(words)
        + (s.copies() ? copies : 0);
  }

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
            "batch.streams=" + batch,
            "batch.window=" + window,
            "optimizer.kind=" + optimizer,
            "kernel.choice=native",
            "kernel.isa=portable", // may not emulate bf16: sizes need no processor that could train
            "kernel.precision=" + precision);
    ModelSpec spec = ModelSpec.of(config.model(), vocabulary);
    Sizes sizes =
        new Sizes(spec.cell(), layers, hidden, embedding, vocabulary, batch, window, precision);
    TaskMemory memory = TaskMemory.of(config, spec);

    assertThat(spec.layout().size()).isEqualTo(Math.toIntExact(sizes.parameters()));
    assertThat(memory.nativeBytes())
        .as("docs/kernel.md, Memory of a task")
        .isEqualTo(4 * floats(sizes, ReplicaTrainer.momentVectors(config), !dropout.equals("0")));
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
