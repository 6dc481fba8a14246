package org.sparkrnn.driver.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.spark.SparkEnv;
import org.apache.spark.storage.BlockId;
import org.jspecify.annotations.Nullable;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.driver.cluster.StopRequest;
import org.sparkrnn.driver.metrics.RoundMetrics;
import org.sparkrnn.driver.metrics.TrainingListener;
import org.sparkrnn.driver.rounds.TestRuns;
import org.sparkrnn.driver.rounds.TrainOptions;
import org.sparkrnn.driver.rounds.Trainer;

/**
 * Main class of a driver that trains a small model for a long time: {@code FOLDER ROUNDS SECONDS},
 * and it ends when both have passed. Every few rounds it says on its standard output what it holds,
 * as a line of {@link SoakSample}.
 */
final class SoakProcess implements TrainingListener {
  /** Of the model: 4 bytes for each of its 33 803 parameters. */
  static final long PARAMETER_BYTES = 4 * 33_803;

  /** Spark remembers the last 1 000 jobs and stages of the driver: 500 rounds would not do. */
  private static final Map<String, String> SHORT_HISTORY =
      Map.of(
          "spark.ui.retainedJobs", "100",
          "spark.ui.retainedStages", "100",
          "spark.ui.retainedTasks", "100");

  private static final int ROUNDS_PER_SAMPLE = 5;
  private static final long MOST_SETTLING_MILLIS = 2_000;

  private final Path folder;
  private final long rounds;
  private final long endNanos;
  private final StopRequest stop = new StopRequest();
  private long blocksBefore = Long.MAX_VALUE;

  private SoakProcess(Path folder, long rounds, long seconds) {
    this.folder = folder;
    this.rounds = rounds;
    this.endNanos = System.nanoTime() + 1_000_000_000L * seconds;
  }

  public static void main(String[] arguments) throws IOException {
    new SoakProcess(
            Path.of(arguments[0]), Long.parseLong(arguments[1]), Long.parseLong(arguments[2]))
        .train();
  }

  private void train() throws IOException {
    Path corpus = TestRuns.corpus(folder.resolve("corpus"), 29, 6_000, 300);
    Map<String, Object> settings = new HashMap<>();
    settings.put("kernel.choice", "auto");
    settings.put("model.hidden", 48);
    settings.put("model.embedding", 32);
    settings.put("model.dropout", 0.2);
    settings.put("optimizer.kind", "adam");
    settings.put("optimizer.learning-rate", 0.002);
    settings.put("round.local-steps", 3);
    settings.put("round.inline-state-bytes", 0); // carried state in files
    settings.put("evaluation.every-rounds", 10);
    settings.put("checkpoint.every-rounds", 10);
    settings.put("checkpoint.keep-last", 2);
    settings.put("training.epochs", 1_000_000);
    TrainingConfig config = TestRuns.config(corpus.toString(), folder.resolve("run"), settings);
    try (SparkTestCluster cluster = SparkTestCluster.local(2, Serialization.KRYO, SHORT_HISTORY)) {
      Trainer.run(
          cluster.context(),
          config,
          new TrainOptions(false, Optional.empty(), stop),
          List.of(this));
    }
  }

  @Override
  public void roundEnded(RoundMetrics metrics) {
    if (metrics.round() % ROUNDS_PER_SAMPLE == 0) {
      System.out.println(sample(metrics));
    }
    if (metrics.round() >= rounds && System.nanoTime() >= endNanos) {
      stop.request("soaked");
    }
  }

  private SoakSample sample(RoundMetrics metrics) {
    try {
      long blocks = settledBlocks();
      Runtime heap = Runtime.getRuntime();
      return new SoakSample(
          metrics.round(),
          residentBytes(),
          heap.totalMemory() - heap.freeMemory(),
          ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
              .mapToLong(BufferPoolMXBean::getMemoryUsed)
              .sum(),
          blocks,
          ManagementFactory.getThreadMXBean().getThreadCount(),
          entries(Path.of("/proc/self/fd")),
          files(folder),
          ProcessHandle.current().info().totalCpuDuration().orElseThrow().toMillis(),
          System.nanoTime() / 1_000_000,
          metrics.tokens());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Broadcast blocks after a collection, once Spark's cleaner has caught up with it. */
  private long settledBlocks() {
    System.gc(); // task binaries are broadcasts of Spark's own, freed when nobody refers to them
    long limit = System.nanoTime() + 1_000_000 * MOST_SETTLING_MILLIS;
    long blocks = blocks();
    while (blocks > blocksBefore && System.nanoTime() < limit) {
      pause();
      blocks = blocks();
    }
    blocksBefore = blocks;
    return blocks;
  }

  private static long blocks() {
    return SparkEnv.get().blockManager().getMatchingBlockIds(BlockId::isBroadcast).size();
  }

  private static void pause() {
    try {
      Thread.sleep(10);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static long residentBytes() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    throw new IOException("no VmRSS");
  }

  private static long entries(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.count();
    }
  }

  /** All files below a folder, while others come and go. */
  private static long files(Path folder) throws IOException {
    long[] count = new long[1];
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            count[0]++;
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) {
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e) {
            return FileVisitResult.CONTINUE;
          }
        });
    return count[0];
  }
}
