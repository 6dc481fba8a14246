package org.sparkrnn.worker.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.Plan;
import org.sparkrnn.worker.training.ReplicaState;
import org.sparkrnn.worker.training.ReplicaTrainer;
import org.sparkrnn.worker.training.TaskMemory;
import org.sparkrnn.worker.training.TokenSource;
import org.sparkrnn.worker.training.TrainingState;

/**
 * Rates of whole local steps, measured in the very loop that a Spark task runs: windows read,
 * embedding, layers, softmax, backward, norm, clipping to 0.25, SGD, repacking, carried state.
 *
 * <p>Arguments: {@code key=value} settings of the kernel or {@code -}, the number of tasks side by
 * side, the seconds per shape, and shapes {@code
 * cell:layers:embedding:hidden:vocabulary:batch:time:projection:normalised}, the last one 0 or 1.
 * Prints a line of JSON per shape. {@code bench/run} runs it.
 */
public final class StepBenchmark {
  private StepBenchmark() {}

  /** Prints a line per shape. */
  public static void main(String[] arguments) throws Exception {
    List<String> kernel = Stream.of(arguments[0].split(",")).filter(s -> s.contains("=")).toList();
    int tasks = Integer.parseInt(arguments[1]);
    double seconds = Double.parseDouble(arguments[2]);
    ExecutorService threads = Executors.newFixedThreadPool(tasks);
    try {
      for (String shape : Arrays.asList(arguments).subList(3, arguments.length)) {
        System.out.println(measure(threads, shape, kernel, tasks, seconds));
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static String measure(
      ExecutorService threads, String shape, List<String> kernel, int tasks, double seconds) {
    TrainingConfig config = config(shape, kernel);
    int vocabulary = Integer.parseInt(shape.split(":", -1)[4]);
    ModelSpec spec = ModelSpec.of(config.model(), vocabulary);
    float[] parameters = spec.initialise(config.model(), 1);
    TokenSource tokens = endlessTokens(vocabulary);
    CyclicBarrier begin = new CyclicBarrier(tasks);
    List<CompletableFuture<StepTimes>> running =
        Stream.generate(() -> new StepTimes(begin, seconds))
            .limit(tasks)
            .map(
                times ->
                    CompletableFuture.supplyAsync(
                        () -> run(times, config, spec, parameters, tokens), threads))
            .toList();
    List<StepTimes> done = running.stream().map(CompletableFuture::join).toList();
    int positions = config.batch().streams() * config.batch().window();
    return String.format(
        Locale.ROOT,
        "{\"shape\": \"%s\", \"kernel\": \"%s\", \"tasks\": %d, \"tokensPerSecond\": %.2f,"
            + " \"low\": %.2f, \"high\": %.2f, \"steps\": %d, \"wall\": %.4f, \"processor\": %.4f,"
            + " \"arenaBytes\": %d}",
        shape,
        done.get(0).kernelName(),
        tasks,
        done.stream().mapToDouble(times -> positions / times.secondsPerStep(0.5)).sum(),
        done.stream().mapToDouble(times -> positions / times.secondsPerStep(0.9)).sum(),
        done.stream().mapToDouble(times -> positions / times.secondsPerStep(0.1)).sum(),
        done.stream().mapToLong(StepTimes::steps).sum(),
        done.stream().mapToDouble(StepTimes::wallSeconds).sum(),
        done.stream().mapToDouble(StepTimes::processorSeconds).sum(),
        done.get(0).arenaBytes());
  }

  private static TrainingConfig config(String shape, List<String> kernel) {
    String[] parts = shape.split(":", -1);
    List<String> settings =
        List.of(
            "model.cell=" + parts[0],
            "model.layers=" + parts[1],
            "model.embedding=" + parts[2],
            "model.hidden=" + parts[3],
            "batch.streams=" + parts[5],
            "batch.window=" + parts[6],
            "model.projection=" + parts[7],
            "model.layer-normalization=" + parts[8].equals("1"),
            "optimizer.kind=sgd",
            "optimizer.learning-rate=1",
            "clipping.norm=0.25",
            "kernel.choice=native");
    return TrainingConfig.load("", Stream.concat(settings.stream(), kernel.stream()).toList());
  }

  private static TokenSource endlessTokens(int vocabulary) {
    int[] some = new SplittableRandom(1).ints(1 << 20, 0, vocabulary).toArray();
    return (first, target, from, count) -> {
      for (int i = 0; i < count; i++) {
        target[from + i] = some[(int) ((first + i) % some.length)];
      }
    };
  }

  private static StepTimes run(
      StepTimes times,
      TrainingConfig config,
      ModelSpec spec,
      float[] parameters,
      TokenSource tokens) {
    Kernel kernel = Kernel.create(config.kernel());
    int positions = config.batch().streams() * config.batch().window();
    Plan plan = Plan.of(config, (long) positions * Integer.MAX_VALUE);
    times.started(kernel, TaskMemory.of(config, spec).nativeBytes());
    try {
      ReplicaTrainer.run(
          config,
          spec,
          kernel,
          plan,
          TrainingState.start(plan).task(0, Integer.MAX_VALUE),
          parameters,
          ReplicaState.start(),
          tokens,
          times);
      throw new IllegalStateException("Cannot measure: the tokens came to an end");
    } catch (CancellationException e) {
      return times; // it has seen enough
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
