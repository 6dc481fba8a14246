package org.sparkrnn.worker.training;

import org.sparkrnn.worker.kernel.CellKind;

/** docs/kernel.md, "Memory of a task": floats of the arena, as the document counts them. */
final class MemoryFormula {
  private MemoryFormula() {}

  /** The sizes in the letters of the document. */
  record Sizes(
      CellKind cell,
      int layers,
      int hidden,
      int output,
      int embedding,
      int vocabulary,
      int batch,
      int window,
      String precision,
      boolean normalised) {
    Sizes(
        CellKind cell,
        int layers,
        int hidden,
        int output,
        int embedding,
        int vocabulary,
        int batch,
        int window,
        String precision) {
      this(cell, layers, hidden, output, embedding, vocabulary, batch, window, precision, false);
    }

    /** Without projection. */
    Sizes(
        CellKind cell,
        int layers,
        int hidden,
        int embedding,
        int vocabulary,
        int batch,
        int window,
        String precision) {
      this(cell, layers, hidden, hidden, embedding, vocabulary, batch, window, precision);
    }

    boolean projected() {
      return output < hidden;
    }

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

    /** Columns of a layer's input weights, of a language model or the first layer's. */
    int input(int layer) {
      return layer > 0 ? output : oneHot() ? vocabulary : embedding;
    }

    long parameters() {
      long sum = (long) vocabulary * embedding + (long) vocabulary * (output + 1);
      for (int layer = 0; layer < layers; layer++) {
        sum +=
            (long) gates() * hidden * (input(layer) + output + 2)
                + (long) cell.peepholes() * hidden
                + (projected() ? (long) output * hidden : 0)
                + (normalised ? 2L * (gates() + states() - 1) * hidden : 0);
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

  /** A language model's arena. */
  static long languageModel(Sizes s, int momentVectors, boolean dropout) {
    long positions = s.positions();
    long floats = (2 + momentVectors) * to16(s.parameters());
    floats += 2 * positions * to16(s.embedding);
    for (int layer = 0; layer < s.layers; layer++) {
      floats += layer(s, s.input(layer), s.oneHot() && layer == 0);
      floats += dropout ? positions * to16(s.output) : 0;
    }
    return floats + head(s, positions, s.output, s.vocabulary);
  }

  /** That of one with an adaptive softmax, without dropout. */
  static long adaptive(
      Sizes s, int momentVectors, long parameters, int headClasses, int[] columns, int[] words) {
    long positions = s.positions();
    long floats = languageModel(s, momentVectors, false);
    floats -= head(s, positions, s.hidden, s.vocabulary);
    floats += (2 + momentVectors) * (to16(parameters) - to16(s.parameters()));
    floats += 2 * positions * to16(s.hidden);
    long largest = head(s, positions, s.hidden, headClasses);
    long most = 0;
    for (int i = 0; i < words.length; i++) {
      floats += 2 * positions * to16(columns[i]);
      largest = Math.max(largest, head(s, positions, s.hidden, columns[i]));
      largest = Math.max(largest, head(s, positions, columns[i], words[i]));
      most = Math.max(most, Math.max(columns[i], words[i]));
    }
    return floats + largest + 2 * to16(most);
  }

  /** That of one with a sampled softmax, without dropout. */
  static long sampled(Sizes s, int momentVectors, int words) {
    return languageModel(s, momentVectors, false)
        - head(s, s.positions(), s.hidden, s.vocabulary)
        + head(s, s.positions(), s.hidden, words)
        + 2 * to16((long) words * s.hidden)
        + 2 * to16(words);
  }

  /**
   * The arena of a model of sequences; {@code s.vocabulary} tokens, or columns where {@code dense}.
   *
   * @param directions 1 or 2
   * @param features units that the head reads
   * @param predictions most of a step
   * @param regression whether its targets are numbers
   */
  static long sequences(
      Sizes s,
      int momentVectors,
      long parameters,
      boolean dense,
      int directions,
      int features,
      long predictions,
      int outputs,
      boolean regression,
      boolean dropout,
      boolean residual) {
    long positions = s.positions();
    boolean tokens = s.oneHot() && !dense;
    long floats = (2 + momentVectors) * to16(parameters);
    floats += tokens ? 0 : positions * (dense ? to16(s.vocabulary) : 2 * to16(s.embedding));
    for (int layer = 0; layer < s.layers; layer++) {
      int input = layer > 0 ? features : s.input(0);
      boolean oneHot = layer == 0 && tokens;
      floats += directions * layer(s, input, oneHot);
      boolean gradient = layer > 0 || !s.oneHot();
      boolean ofSteps = layer < s.layers - 1 || predictions == positions;
      if (directions == 2) {
        floats += oneHot ? 0 : (gradient ? 2 : 1) * positions * to16(input);
        floats += 2 * positions * to16(features);
      } else if ((residual && layer > 0) || (dropout && ofSteps)) {
        floats += positions * to16(s.output);
      }
    }
    floats += 2 * predictions * to16(features);
    floats += regression ? predictions * to16(outputs) : 0;
    return floats + head(s, predictions, features, outputs);
  }

  /** One direction of a layer, without what dropout leaves of it. */
  private static long layer(Sizes s, int input, boolean oneHot) {
    long positions = s.positions();
    long units = to16(s.hidden);
    long outputs = to16(s.output);
    return (positions + s.batch) * (outputs + (s.states() - 1) * units)
        + s.slots() * positions * units
        + (positions + s.batch) * outputs
        + (s.states() - 1L) * s.batch * units
        + packed(s, input, oneHot)
        + projection(s)
        + (s.normalised() ? normalisation(s) : 0);
  }

  private static long normalisation(Sizes s) {
    long units = to16(s.hidden);
    long row = s.slots() * units;
    return 2L * s.positions() * (s.inChunks() ? s.row(row) : row)
        + 16 * s.positions()
        + (5L * s.slots() + 20L * (s.states() - 1)) * units
        + s.batch * (to64(s.hidden) - 64);
  }

  private static long projection(Sizes s) {
    return s.projected()
        ? to64(s.output) * s.lanes(s.hidden)
            + to64(s.hidden) * s.lanes(to16(s.output))
            + s.positions() * (to16(s.hidden) + to16(s.output))
        : 0;
  }

  private static long packed(Sizes s, int input, boolean oneHot) {
    long units = to16(s.hidden);
    long chunk = Math.min(s.lanes(s.positions()), s.inChunks() ? 1024 : 384);
    long slots = s.slots();
    long inputColumns = s.panelColumns(s.inputSlots());
    long recurrent =
        s.panelColumns(s.hiddenSlots()) * s.lanes(s.output)
            + to64(s.output) * s.lanes(units * s.hiddenSlots());
    long scratch =
        2 * (slots + s.cell.peepholes()) * units + 64L * s.batch + to64(s.hidden) * chunk;
    long columns = 16 * slots * (s.inChunks() ? 2 : 3) * s.row(chunk);
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
      return (s.normalised() && !oneHot ? 2 : 1) * s.positions() * units * s.slots() / 2;
    }
    long gated = s.gatedSlots() > 0 ? s.row(s.lanes(units * s.gatedSlots())) : 0;
    if (s.normalised()) {
      return s.positions() * gated;
    }
    boolean apart = s.inputSlots() < s.slots() || s.hiddenSlots() < s.slots();
    long input = apart && !oneHot ? s.row(s.lanes(units * s.inputSlots())) : 0;
    return s.positions() * (s.row(s.lanes(units * s.hiddenSlots())) + input + gated);
  }

  /** The head, for that many predictions from that many units. */
  private static long head(Sizes s, long positions, long features, long outputs) {
    long largest = Math.min(s.inChunks() ? 1024 : 768, Math.max(64, (1 << 24) / outputs / 16 * 16));
    long tiles = (positions + largest - 1) / largest;
    long rows = (positions + tiles - 1) / tiles;
    long tile = s.inChunks() ? (rows + 31) / 32 * 32 : to16(rows);
    long words = Math.min(to16(outputs), s.inChunks() ? 448 : 224);
    long copies = words * (s.row(s.lanes(features)) + s.row(s.lanes(tile)));
    return to16(3 * positions)
        + to16(positions)
        + to64(tile) * s.lanes(features)
        + tile * (outputs + 18)
        + to64(features) * s.lanes(tile)
        + 64 * s.lanes(words)
        + s.row(s.lanes(words)) * tile
        + (s.copies() ? copies : 0);
  }
}
