package org.sparkrnn.driver.rounds;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.sparkrnn.common.config.OuterConfig;
import org.sparkrnn.common.config.RoundConfig.Delta;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.driver.averaging.AverageSlice;
import org.sparkrnn.driver.averaging.AveragedSlice;
import org.sparkrnn.driver.averaging.EmbeddingRows;
import org.sparkrnn.driver.averaging.RoundCut;
import org.sparkrnn.driver.averaging.RoundCut.Part;
import org.sparkrnn.driver.averaging.RoundVectors;
import org.sparkrnn.driver.averaging.SlicePartitioner;
import org.sparkrnn.driver.averaging.Slices;
import org.sparkrnn.driver.messages.FloatVector;
import org.sparkrnn.driver.messages.Message;
import org.sparkrnn.worker.training.ReplicaState;

/**
 * Rounds of replicas that train nothing: what a round costs beside its training. Everything else is
 * a training's: broadcasts, slices, shuffle, averages, messages, outer step. Started by {@code
 * bench/rounds}.
 *
 * <p>Prints a JSON object for each round. Names that end in {@code _cpu} are processor time of the
 * threads that do the work, which other programs on the machine disturb little; the others are
 * durations.
 */
public final class RoundBenchmark {
  private static final int STATE_FLOATS = 4000; // two LSTM layers of 200 units, five streams
  private static final double NANO = 1e-9;

  private RoundBenchmark() {}

  /**
   * Measures.
   *
   * @param args {@code local} or {@code cluster} (two executors of one core, JVMs of their own),
   *     rounds of each, then {@code parameters:replicas:delta} for each
   */
  public static void main(String[] args) {
    try (SparkTestCluster cluster = cluster(args[0])) {
      JavaSparkContext context = cluster.context();
      TaskTimes times = new TaskTimes();
      context.sc().addSparkListener(times);
      for (String cell : List.of(args).subList(2, args.length)) {
        String[] parts = cell.split(":", -1);
        int parameters = Integer.parseInt(parts[0]);
        float[] start = TrivialReplica.moved(new float[parameters], 77);
        for (int round = 0; round < Integer.parseInt(args[1]); round++) {
          String line =
              measure(context, times, start, Integer.parseInt(parts[1]), Delta.valueOf(parts[2]));
          System.out.println(line);
        }
      }
    }
  }

  private static SparkTestCluster cluster(String kind) {
    // As the command line sets them.
    Map<String, String> settings =
        Map.of(
            "spark.driver.maxResultSize", "0",
            "spark.executor.extraJavaOptions", "-XX:+UseParallelGC");
    return kind.equals("local")
        ? SparkTestCluster.local(2, Serialization.KRYO, settings)
        : SparkTestCluster.localCluster(Serialization.KRYO, settings);
  }

  private static String measure(
      JavaSparkContext context, TaskTimes times, float[] start, int replicas, Delta delta) {
    RoundCut cut =
        new RoundCut(
            Slices.of(start.length, replicas), Slices.of(0, 0), new EmbeddingRows(0, 1), delta);
    List<Broadcast<?>> broadcasts = new ArrayList<>();
    times.reset();
    long begin = System.nanoTime();
    final long beginProcess = processNanos();
    final long beginProcessor = TrivialReplica.processorNanos();
    Broadcast<FloatVector> startSent = context.broadcast(new FloatVector(start));
    final long startProcessor = TrivialReplica.processorNanos() - beginProcessor;
    broadcasts.add(startSent);
    Broadcast<FloatVector> none = context.broadcast(new FloatVector());
    broadcasts.add(none);
    List<Broadcast<CarriedState>> states = new ArrayList<>();
    for (int replica = 0; replica < replicas; replica++) {
      ReplicaState state = new ReplicaState(new float[STATE_FLOATS], new float[0], 0);
      states.add(context.broadcast(CarriedState.inline(state)));
    }
    broadcasts.addAll(states);
    long sent = System.nanoTime();
    RoundVectors vectors = new RoundVectors(cut, startSent, none);
    JavaRDD<Message> averages =
        context
            .parallelize(IntStream.range(0, replicas).boxed().toList(), replicas)
            .mapPartitionsToPair(new TrivialReplica(vectors, states))
            .partitionBy(new SlicePartitioner(cut.slices()))
            .mapPartitions(new AverageSlice(vectors));
    List<Message> messages = averages.collect();
    final long collected = System.nanoTime();
    final long copyBegin = TrivialReplica.processorNanos();
    float[] average = new float[start.length];
    long moving = 0;
    long sending = 0;
    for (Message message : messages) {
      if (message instanceof ReplicaReport report) {
        moving += report.nanos();
        sending += report.sendingNanos();
      } else if (message instanceof AveragedSlice slice) {
        Part part = cut.part(slice.slice());
        slice.values().copyTo(average, part, start);
      }
    }
    final long copied = System.nanoTime();
    final long process = processNanos() - beginProcess;
    final long copyProcessor = TrivialReplica.processorNanos() - copyBegin;
    OuterConfig nesterov = new OuterConfig(OuterConfig.Kind.NESTEROV, 1, 0.5);
    OuterOptimizer outer = OuterOptimizer.start(nesterov, start);
    final long outerBegin = TrivialReplica.processorNanos();
    outer.step(average);
    final long outerProcessor = TrivialReplica.processorNanos() - outerBegin;
    averages.rdd().cleanShuffleDependencies(false);
    broadcasts.forEach(Broadcast::destroy);
    times.awaitTasks(replicas + cut.slices());
    return String.format(
        Locale.ROOT,
        "{\"parameters\":%d,\"replicas\":%d,\"delta\":\"%s\",\"slices\":%d,\"seconds\":%.4f,"
            + "\"broadcast\":%.4f,\"job\":%.4f,\"copy\":%.4f,\"moving_cpu\":%.4f,\"start_cpu\":%.4f,"
            + "\"send_cpu\":%.4f,\"map_cpu\":%.4f,\"reduce_cpu\":%.4f,\"copy_cpu\":%.4f,"
            + "\"outer_cpu\":%.4f,\"process_cpu\":%.4f,%s}",
        start.length,
        replicas,
        delta.name().toLowerCase(Locale.ROOT),
        cut.slices(),
        NANO * (copied - begin),
        NANO * (sent - begin),
        NANO * (collected - sent),
        NANO * (copied - collected),
        NANO * moving,
        NANO * startProcessor,
        NANO * sending,
        times.mapProcessorSeconds() - NANO * moving,
        times.reduceProcessorSeconds(),
        NANO * copyProcessor,
        NANO * outerProcessor,
        NANO * process,
        times.json());
  }

  /** Of all threads of this JVM: in local mode driver, tasks, collector, compiler. */
  private static long processNanos() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
  }
}
