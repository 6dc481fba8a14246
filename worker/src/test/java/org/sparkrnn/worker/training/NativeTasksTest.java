package org.sparkrnn.worker.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.storage.LocalFiles;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.ModelSpec;

/** What tasks on the native kernel do to each other and to the heap: nothing. */
class NativeTasksTest {
  private static final com.sun.management.ThreadMXBean THREADS =
      (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();

  /** Coefficients of an update, keys of masks, views of matrices, before code is compiled. */
  private static final int BYTES_OF_SMALL_OBJECTS = 1536;

  private static TrainingConfig config(String... settings) {
    List<String> all =
        new ArrayList<>(List.of("kernel.choice=native", "model.hidden=40", "clipping.norm=0.5"));
    all.addAll(List.of(settings));
    return Runs.config(all.toArray(String[]::new));
  }

  private static Kernel kernel(TrainingConfig config) {
    return Kernel.create(config.kernel());
  }

  private static float[] parameters(TrainingConfig config) {
    return ModelSpec.of(config.model(), Runs.VOCABULARY).initialise(config.model(), 1);
  }

  private static ReplicaResult epoch(
      TrainingConfig config, float[] parameters, int[] tokens, BooleanSupplier probe) {
    ModelSpec spec = ModelSpec.of(config.model(), Runs.VOCABULARY);
    Plan plan = Plan.of(config, tokens.length);
    try {
      return ReplicaTrainer.run(
          config,
          spec,
          kernel(config),
          plan,
          TrainingState.start(plan).task(0, (int) plan.steps()),
          parameters,
          ReplicaState.start(),
          Runs.source(tokens),
          probe);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long allocatedBytes() {
    return THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
  }

  @Test
  void theBytesOfATaskDoNotDependOnTheTasksBesideIt() throws Exception {
    int[] tokens = Runs.tokens(4000, 3);
    List<TrainingConfig> configs =
        List.of(
            config("model.cell=lstm", "model.dropout=0.3"),
            config("model.cell=gru", "optimizer.kind=adam", "optimizer.learning-rate=0.01"),
            config("model.cell=lstm", "model.input=one-hot", "optimizer.kind=momentum"),
            config("model.cell=gru", "model.hidden=17", "batch.streams=7"));
    List<ReplicaResult> alone = new ArrayList<>();
    for (TrainingConfig config : configs) {
      alone.add(epoch(config, parameters(config), tokens, () -> false));
    }
    ExecutorService threads = Executors.newFixedThreadPool(2 * configs.size());
    try {
      List<Callable<ReplicaResult>> tasks = new ArrayList<>();
      for (int i = 0; i < 2 * configs.size(); i++) {
        TrainingConfig config = configs.get(i % configs.size());
        tasks.add(() -> epoch(config, parameters(config), tokens, () -> false));
      }
      List<Future<ReplicaResult>> together = threads.invokeAll(tasks);
      for (int i = 0; i < together.size(); i++) {
        ReplicaResult expected = alone.get(i % configs.size());
        ReplicaResult actual = together.get(i).get();
        assertThat(actual.parameters()).isEqualTo(expected.parameters());
        assertThat(actual.state().hidden()).isEqualTo(expected.state().hidden());
        assertThat(actual.state().moments()).isEqualTo(expected.state().moments());
      }
    } finally {
      threads.shutdownNow();
    }
  }

  /** The largest of these windows has 1400 positions: any array of them would show. */
  @ParameterizedTest
  @CsvSource({
    "lstm, sgd, embedding, full, 8, 3, 5",
    "lstm, sgd, embedding, full, 72, 40, 35",
    "gru, adam, embedding, full, 72, 40, 35",
    "gru, momentum, one-hot, full, 72, 40, 35",
    "lstm, rmsprop, embedding, full, 72, 40, 35",
    "lstm, sgd, embedding, adaptive, 72, 40, 35",
    "lstm, sgd, embedding, sampled, 8, 1, 5"
  })
  void aStepAllocatesSmallObjectsOnly(
      String cell,
      String optimizer,
      String input,
      String softmax,
      int hidden,
      int streams,
      int window) {
    TrainingConfig config =
        config(
            "model.cell=" + cell,
            "model.input=" + input,
            "model.hidden=" + hidden,
            "model.softmax=" + softmax,
            "model.softmax-cutoffs=4",
            "model.softmax-samples=5",
            "model.dropout=0.2",
            "model.recurrent-weight-dropout=0.2",
            "model.zoneout-hidden=0.1",
            "batch.streams=" + streams,
            "batch.window=" + window,
            "optimizer.kind=" + optimizer,
            "optimizer.learning-rate=0.001");
    int steps = 12;
    long[] allocated = new long[steps + 1];
    int[] asked = {0};
    epoch(
        config,
        parameters(config),
        Runs.tokens(streams * (window * steps + 1), 3),
        () -> {
          allocated[asked[0]++] = allocatedBytes();
          return false;
        });
    assertThat(asked[0]).isGreaterThanOrEqualTo(steps - 1);
    // The first steps load classes.
    for (int step = 4; step < asked[0]; step++) {
      assertThat(allocated[step] - allocated[step - 1])
          .as("bytes of step %d", step)
          .isLessThanOrEqualTo(BYTES_OF_SMALL_OBJECTS);
    }
  }

  /** For each sequence too: views of the files' blocks. */
  @ParameterizedTest
  @EnumSource(
      value = Task.class,
      names = {"CLASSIFICATION", "TAGGING", "REGRESSION"})
  void aStepOnSequencesAllocatesSmallObjectsOnly(Task task, @TempDir Path folder)
      throws IOException {
    Path path = SequenceCorpora.write(folder.resolve("corpus"), task, 3, 400);
    TrainingConfig config =
        SequenceCorpora.config(
            task,
            path,
            folder,
            Map.of(
                "kernel.choice",
                "native",
                "model.bidirectional",
                "concat",
                "model.hidden",
                40,
                "batch.streams",
                16));
    TrainingCorpus corpus = TrainingCorpus.open(new LocalFiles(), path.toString(), config);
    ModelSpec spec = corpus.schema().spec(config);
    Plan plan = Plan.of(config, corpus.trainingSize(config));
    long[] allocated = new long[(int) plan.steps() + 1];
    int[] asked = {0};
    corpus.train(
        config,
        spec,
        kernel(config),
        plan,
        TrainingState.start(plan).task(0, (int) plan.steps()),
        spec.initialise(config.model(), 1),
        ReplicaState.start(),
        () -> {
          allocated[asked[0]++] = allocatedBytes();
          return false;
        });
    assertThat(asked[0]).isGreaterThan(12);
    // The first steps load classes.
    for (int step = 8; step < asked[0]; step++) {
      assertThat(allocated[step] - allocated[step - 1])
          .as("bytes of step %d", step)
          .isLessThanOrEqualTo((1L + config.batch().streams()) * BYTES_OF_SMALL_OBJECTS);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "lstm, sgd, keep-local, embedding, full",
    "gru, adam, keep-local, embedding, full",
    "lstm, adam, reset, embedding, full",
    "gru, rmsprop, average, one-hot, full",
    "gru, sgd, average, embedding, adaptive",
    "gru, sgd, average, embedding, sampled"
  })
  void theHeapOfATaskIsWhatIsPlanned(
      String cell, String optimizer, String state, String input, String softmax) {
    TrainingConfig config =
        config(
            "model.cell=" + cell,
            "model.input=" + input,
            "model.hidden=200",
            "model.softmax=" + softmax,
            "model.softmax-cutoffs=4",
            "model.softmax-samples=11",
            "optimizer.kind=" + optimizer,
            "optimizer.state=" + state,
            "optimizer.learning-rate=0.001");
    int[] tokens = Runs.tokens(100, 3);
    ModelSpec spec = ModelSpec.of(config.model(), Runs.VOCABULARY);
    long planned = TaskMemory.of(config, spec).heapBytes();
    float[] parameters = parameters(config);
    epoch(config, parameters, tokens, () -> false); // loads classes
    long before = allocatedBytes();
    epoch(config, parameters, tokens, () -> false);
    long measured = allocatedBytes() - before;
    assertThat(measured).isBetween(planned, planned + 128 * 1024);
  }
}
