package org.sparkrnn.driver.rounds;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkrnn.common.config.RoundConfig.Delta;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.ClusterFailedException;
import org.sparkrnn.common.errors.DivergedException;
import org.sparkrnn.driver.averaging.AverageSlice;
import org.sparkrnn.driver.averaging.AveragedSlice;
import org.sparkrnn.driver.averaging.EmbeddingRows;
import org.sparkrnn.driver.averaging.RoundCut;
import org.sparkrnn.driver.averaging.RoundCut.Part;
import org.sparkrnn.driver.averaging.RoundVectors;
import org.sparkrnn.driver.averaging.SlicePartitioner;
import org.sparkrnn.driver.averaging.Slices;
import org.sparkrnn.driver.cluster.ClusterFailures;
import org.sparkrnn.driver.cluster.JobWatch;
import org.sparkrnn.driver.messages.FloatVector;
import org.sparkrnn.driver.messages.Message;
import org.sparkrnn.driver.metrics.RoundMetrics.Seconds;
import org.sparkrnn.worker.training.Plan;
import org.sparkrnn.worker.training.ReplicaTask;
import org.sparkrnn.worker.training.ReplicaTrainer;
import org.sparkrnn.worker.training.TrainingState;

/**
 * Rounds on a Spark cluster: the start goes out in a broadcast, each replica trains in a task of
 * its own, the parameters come back in slices, each averaged by one reducer, so that the driver
 * receives one copy and not one per replica.
 *
 * <p>When a round has ended nothing of it is left on the cluster: broadcasts are destroyed and the
 * shuffle is cleaned up.
 */
final class TrainingRound {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingRound.class);

  private final JavaSparkContext context;
  private final RoundSetting setting;
  private final JobWatch watch;

  TrainingRound(JavaSparkContext context, RoundSetting setting, JobWatch watch) {
    this.context = context;
    this.setting = setting;
    this.watch = watch;
  }

  /**
   * Runs one round.
   *
   * @param state where the run stands before the round
   * @param steps local steps of the round
   * @param start where every replica begins
   * @throws DivergedException if a replica's loss or parameters are no longer finite
   * @throws BadInputException if its part of the corpus cannot be read
   * @throws ClusterFailedException if Spark gave up or the round took too long
   */
  RoundResult run(TrainingState state, int steps, float[] start, ReplicaStates states) {
    Plan plan = state.plan();
    List<ReplicaTask> tasks =
        IntStream.range(0, plan.replicas()).mapToObj(r -> state.task(r, steps)).toList();
    RoundCut cut = cut(start.length, plan.replicas(), states.shared());
    String name = "round " + (state.round() + 1);
    List<Broadcast<?>> broadcasts = new ArrayList<>();
    long begin = System.nanoTime();
    JavaRDD<Message> averages = null;
    try {
      Broadcast<FloatVector> startSent = send(new FloatVector(start), broadcasts);
      Broadcast<FloatVector> momentsSent =
          send(new FloatVector(states.sharedMoments()), broadcasts);
      List<Broadcast<CarriedState>> statesSent = new ArrayList<>();
      for (CarriedState carried : states.carried()) {
        statesSent.add(send(carried, broadcasts));
      }
      long broadcastNanos = System.nanoTime() - begin;
      RoundVectors vectors = new RoundVectors(cut, startSent, momentsSent);
      TrainReplica train =
          new TrainReplica(setting, plan, tasks, vectors, states.sharedSteps(), statesSent);
      context.setJobGroup("spark-rnn " + name, description(name, state, steps), false);
      averages =
          context
              .parallelize(IntStream.range(0, tasks.size()).boxed().toList(), tasks.size())
              .mapPartitionsToPair(train)
              .partitionBy(new SlicePartitioner(cut.slices()))
              .mapPartitions(new AverageSlice(vectors));
      List<Message> messages = watch.await("finish " + name, averages.collectAsync());
      return result(name, messages, cut, start, states, broadcastNanos, System.nanoTime() - begin);
    } catch (IllegalStateException e) {
      throw ClusterFailures.ofContext("finish " + name, context, e);
    } finally {
      context.clearJobGroup();
      cleanUp(averages, broadcasts);
    }
  }

  private RoundCut cut(int parameters, int replicas, boolean withMoments) {
    int moments =
        withMoments
            ? Math.multiplyExact(ReplicaTrainer.momentVectors(setting.config()), parameters)
            : 0;
    return new RoundCut(
        Slices.of(parameters, replicas),
        Slices.of(moments, replicas),
        EmbeddingRows.of(setting.spec()),
        // One replica is the plain algorithm, whatever is saved by rounding it.
        replicas == 1 ? Delta.FLOAT32 : setting.config().round().delta());
  }

  private <T> Broadcast<T> send(T value, List<Broadcast<?>> broadcasts) {
    Broadcast<T> broadcast = context.broadcast(value);
    broadcasts.add(broadcast);
    return broadcast;
  }

  private RoundResult result(
      String name,
      List<Message> messages,
      RoundCut cut,
      float[] start,
      ReplicaStates before,
      long broadcastNanos,
      long totalNanos) {
    float[] average = new float[cut.parameters().length()];
    float[] moments = new float[cut.moments().length()];
    List<ReplicaReport> reports = new ArrayList<>();
    int slicesSeen = 0;
    long averageNanos = 0;
    for (Message message : messages) {
      if (message instanceof ReplicaReport report) {
        reports.add(report);
      } else if (message instanceof AveragedSlice slice) {
        Part part = cut.part(slice.slice());
        slice
            .values()
            .copyTo(part.of(average, moments), part, part.of(start, before.sharedMoments()));
        averageNanos = Math.max(averageNanos, slice.nanos());
        slicesSeen++;
      }
    }
    reports.sort(Comparator.comparingInt(ReplicaReport::replica));
    reports.forEach(TrainingRound::requireTrained);
    if (reports.size() != before.carried().size() || slicesSeen != cut.slices()) {
      throw new ClusterFailedException(
          "Cannot finish %s: %d of %d replicas and %d of %d slices came back"
              .formatted(name, reports.size(), before.carried().size(), slicesSeen, cut.slices()));
    }
    averageNanos += reports.stream().mapToLong(ReplicaReport::sendingNanos).max().orElse(0);
    long computeNanos = reports.stream().mapToLong(ReplicaReport::nanos).max().orElse(0);
    long steps = reports.stream().mapToLong(report -> report.statistics().steps()).max().orElse(0);
    List<CarriedState> carried = reports.stream().map(ReplicaReport::state).toList();
    return new RoundResult(
        average,
        before.shared()
            ? ReplicaStates.sharing(carried, moments, before.sharedSteps() + steps)
            : ReplicaStates.ofTheirOwn(carried),
        reports,
        new Seconds(
            1e-9 * Math.max(0, totalNanos - broadcastNanos - computeNanos - averageNanos),
            1e-9 * broadcastNanos,
            1e-9 * computeNanos,
            1e-9 * averageNanos,
            0,
            0));
  }

  private static void requireTrained(ReplicaReport report) {
    report
        .failureSentence()
        .ifPresent(
            sentence -> {
              throw report.failure() == ReplicaReport.Failure.DIVERGED
                  ? new DivergedException(sentence)
                  : new BadInputException(sentence);
            });
  }

  private static String description(String name, TrainingState state, int steps) {
    return "%s: epoch %d, local steps %d to %d of %d replicas"
        .formatted(
            name,
            state.epoch() + 1,
            state.step() + 1,
            state.step() + steps,
            state.plan().replicas());
  }

  private static void cleanUp(@Nullable JavaRDD<Message> averages, List<Broadcast<?>> broadcasts) {
    try {
      if (averages != null) {
        averages.rdd().cleanShuffleDependencies(false);
      }
      broadcasts.forEach(Broadcast::destroy);
    } catch (RuntimeException e) {
      // Only where the context is stopping: what it held goes with it.
      LOG.debug("Cannot clean up after a round", e);
    }
  }
}
