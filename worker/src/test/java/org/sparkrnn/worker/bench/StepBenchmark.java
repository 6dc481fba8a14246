package org.sparkrnn.worker.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.GradientScaling;
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.KernelIsa;
import org.sparkrnn.worker.kernel.NativeKernel;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.ModelSpec;

/**
 * Rates of whole training steps on one core: embedding, layers, softmax, backward, norm, clipping,
 * SGD, repacking, carried state. FLOPs are three times those of the forward products, nothing else.
 * Times are the thread's processor time: a step waits for nothing, and what other processes take of
 * the core does not count.
 *
 * <p>Arguments: the variant ({@code auto}, {@code avx512}, {@code avx2}, {@code portable} or {@code
 * java}), the seconds per configuration, and names of configurations (none: all).
 */
public final class StepBenchmark {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final List<Shape> SHAPES =
      List.of(
          new Shape("word-small", CellKind.LSTM, 2, 200, 10_000, 20, 20),
          new Shape("word-small-gru", CellKind.GRU, 2, 200, 10_000, 20, 20),
          new Shape("word-medium", CellKind.LSTM, 2, 650, 10_000, 20, 35),
          new Shape("word-medium-gru", CellKind.GRU, 2, 650, 10_000, 20, 35),
          new Shape("char", CellKind.LSTM, 2, 512, 96, 64, 64),
          new Shape("char-gru", CellKind.GRU, 2, 512, 96, 64, 64),
          new Shape("small-state", CellKind.LSTM, 1, 128, 96, 32, 32),
          new Shape("small-state-gru", CellKind.GRU, 1, 128, 96, 32, 32));

  private StepBenchmark() {}

  private record Shape(
      String name, CellKind cell, int layers, int hidden, int vocabulary, int batch, int time) {

    int positions() {
      return time * batch;
    }

    /** FLOPs of one token's training step. */
    double flops() {
      double layer = 2.0 * cell.rows(hidden) * (hidden + hidden);
      return 3 * (layers * layer + 2.0 * hidden * vocabulary);
    }
  }

  /** Prints a line per configuration. */
  public static void main(String[] arguments) {
    String variant = arguments.length > 0 ? arguments[0] : "auto";
    double seconds = arguments.length > 1 ? Double.parseDouble(arguments[1]) : 5;
    List<String> names =
        Arrays.asList(arguments).subList(Math.min(2, arguments.length), arguments.length);
    Kernel kernel =
        variant.equals("java")
            ? new JavaKernel()
            : new NativeKernel(KernelIsa.valueOf(variant.toUpperCase(Locale.ROOT)));
    System.out.printf(
        "%-16s %-15s %10s %10s %9s %9s %7s%n",
        "configuration", "kernel", "tok/s best", "median", "GFLOP/s", "ms/step", "steps");
    for (Shape shape : SHAPES) {
      if (names.isEmpty() || names.contains(shape.name())) {
        measure(kernel, shape, seconds);
      }
    }
  }

  private static void measure(Kernel kernel, Shape shape, double seconds) {
    ModelSpec spec =
        new ModelSpec(
            shape.cell(),
            shape.layers(),
            shape.vocabulary(),
            Input.EMBEDDING,
            shape.hidden(),
            shape.hidden(),
            0f);
    try (LanguageModel model =
        LanguageModel.forTraining(spec, kernel, shape.batch(), shape.time(), 0)) {
      SplittableRandom random = new SplittableRandom(1);
      model.setParameters(uniform(random, model.layout().size()));
      int[] tokens = random.ints(shape.positions(), 0, shape.vocabulary()).toArray();
      int[] labels = random.ints(shape.positions(), 0, shape.vocabulary()).toArray();
      double[] times = new double[100_000];
      int steps = 0;
      long begin = System.nanoTime();
      while (steps < 3 || (steps < times.length && System.nanoTime() - begin < seconds * 1e9)) {
        long before = THREADS.getCurrentThreadCpuTime();
        step(model, shape, tokens, labels, steps);
        times[steps++] = (THREADS.getCurrentThreadCpuTime() - before) * 1e-9;
      }
      Arrays.sort(times, 0, steps);
      System.out.printf(
          "%-16s %-15s %10.0f %10.0f %9.1f %9.2f %7d%n",
          shape.name(),
          kernel.name(),
          shape.positions() / times[0],
          shape.positions() / times[steps / 2],
          shape.positions() * shape.flops() / times[0] / 1e9,
          times[0] * 1e3,
          steps);
    }
  }

  private static void step(LanguageModel model, Shape shape, int[] tokens, int[] labels, int step) {
    Kernel kernel = model.kernel();
    model.train(
        shape.time(), tokens, labels, 1f / shape.positions(), new LanguageModel.Masks(1, step, 0));
    double norm = Math.sqrt(kernel.sumOfSquares(model.gradients()));
    float scale = norm > 0.25 ? (float) (0.25 / norm) : 1f;
    kernel.sgd(model.parameters(), model.gradients(), 1f, new GradientScaling(scale, 0f));
    model.clearTouchedRows();
    model.pack();
    model.carryState(shape.time());
  }

  private static float[] uniform(SplittableRandom random, int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) (random.nextDouble() * 0.1 - 0.05);
    }
    return values;
  }
}
