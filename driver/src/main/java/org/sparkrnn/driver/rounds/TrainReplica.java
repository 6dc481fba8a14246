package org.sparkrnn.driver.rounds;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.PairFlatMapFunction;
import org.apache.spark.broadcast.Broadcast;
import org.sparkrnn.common.config.LossConfig.Reduction;
import org.sparkrnn.common.config.OptimizerConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.errors.DivergedException;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.driver.averaging.RoundVectors;
import org.sparkrnn.driver.messages.Message;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.random.PhiloxKey;
import org.sparkrnn.worker.training.Plan;
import org.sparkrnn.worker.training.ReplicaResult;
import org.sparkrnn.worker.training.ReplicaState;
import org.sparkrnn.worker.training.ReplicaStatistics;
import org.sparkrnn.worker.training.ReplicaTask;
import org.sparkrnn.worker.training.TrainingCorpus;
import scala.Tuple2;

/**
 * The task of one replica in one round: trains it from the broadcast start, sends its parameters on
 * in slices, each to the reducer of that slice, and its report behind them.
 *
 * <p>A pure function of what it carries: a second attempt sends the same.
 */
final class TrainReplica implements PairFlatMapFunction<Iterator<Integer>, Integer, Message> {
  private static final long serialVersionUID = 1;

  private final RoundSetting setting;
  private final Plan plan;
  private final List<ReplicaTask> tasks;
  private final RoundVectors vectors;
  private final long sharedSteps;
  private final List<Broadcast<CarriedState>> states;

  /**
   * @param tasks by replica
   * @param sharedSteps updates that the moments have seen if they are averaged
   * @param states what each replica carries from the round before
   */
  TrainReplica(
      RoundSetting setting,
      Plan plan,
      List<ReplicaTask> tasks,
      RoundVectors vectors,
      long sharedSteps,
      List<Broadcast<CarriedState>> states) {
    this.setting = setting;
    this.plan = plan;
    this.tasks = List.copyOf(tasks);
    this.vectors = vectors;
    this.sharedSteps = sharedSteps;
    this.states = List.copyOf(states);
  }

  @Override
  public Iterator<Tuple2<Integer, Message>> call(Iterator<Integer> replicas) throws IOException {
    Stream<Tuple2<Integer, Message>> messages = Stream.empty();
    while (replicas.hasNext()) {
      messages = Stream.concat(messages, train(tasks.get(replicas.next())));
    }
    return messages.iterator();
  }

  private Stream<Tuple2<Integer, Message>> train(ReplicaTask task) throws IOException {
    long begin = System.nanoTime();
    TaskContext context = TaskContext.get();
    try {
      ReplicaResult result = run(task, context);
      requireFinite(task, result);
      ReplicaState carried = averagesMoments() ? withoutMoments(result.state()) : result.state();
      CarriedState state = carry(task, carried, context);
      long trained = System.nanoTime();
      return Stream.concat(
          pieces(task, result),
          report(
              task.replica(),
              () ->
                  ReplicaReport.trained(
                      task.replica(),
                      trained - begin,
                      System.nanoTime() - trained,
                      result.statistics(),
                      state)));
    } catch (DivergedException e) {
      return failed(task, ReplicaReport.Failure.DIVERGED, String.valueOf(e.getMessage()));
    } catch (CorruptFileException | BadInputException e) {
      return failed(task, ReplicaReport.Failure.BAD_INPUT, String.valueOf(e.getMessage()));
    } catch (NoSuchFileException | FileNotFoundException e) {
      return failed(
          task,
          ReplicaReport.Failure.BAD_INPUT,
          "Cannot train replica %d: an executor does not see %s"
              .formatted(task.replica(), e.getMessage()));
    } catch (CancellationException e) {
      context.killTaskIfInterrupted();
      throw e;
    }
  }

  private ReplicaResult run(ReplicaTask task, TaskContext context) throws IOException {
    TrainingConfig config = setting.config();
    ReplicaState state = states.get(task.replica()).value().open(setting.files());
    if (averagesMoments()) {
      state = state.withMoments(vectors.moments().value().values(), sharedSteps);
    }
    Kernel kernel = Kernel.create(config.kernel());
    return TrainingCorpus.open(setting.files(), setting.corpusPath(), config)
        .train(
            config,
            setting.spec(),
            kernel,
            plan,
            task,
            vectors.start().value().values(),
            state,
            context::isInterrupted);
  }

  /** The loss shows what the last update did only in the next round: not to be averaged before. */
  private static void requireFinite(ReplicaTask task, ReplicaResult result) {
    for (float value : result.parameters()) {
      if (!Float.isFinite(value)) {
        throw new DivergedException(
            ("Cannot go on training: a parameter is %s after round %d, replica %d, local step %d"
                    + " (epoch %d); lower optimizer.learning-rate or set clipping.norm")
                .formatted(
                    value,
                    task.round() + 1,
                    task.replica(),
                    task.globalStepBase() + result.statistics().steps(),
                    task.epoch() + 1));
      }
    }
  }

  private CarriedState carry(ReplicaTask task, ReplicaState state, TaskContext context)
      throws IOException {
    String name = "round-%d/replica-%d.state".formatted(task.round() + 1, task.replica());
    return CarriedState.of(
        state,
        setting.config().round().inlineStateBytes(),
        setting.files(),
        Files.join(setting.workFolder(), name),
        "attempt-" + context.taskAttemptId());
  }

  private Stream<Tuple2<Integer, Message>> pieces(ReplicaTask task, ReplicaResult result) {
    long weight = weight(task, result.statistics());
    if (weight == 0) {
      return Stream.empty();
    }
    PhiloxKey key =
        PhiloxKey.delta(
            setting.config().training().seed(), (int) task.globalStepBase(), task.replica());
    return vectors.pieces(
        task.replica(), weight, result.parameters(), result.state().moments(), key);
  }

  /**
   * What a replica counts for: its predictions. Where the loss is a sum over time every stream or
   * sequence counts once per step, however short: so W replicas that average after each step take
   * the step of one machine with the W-fold batch.
   */
  private long weight(ReplicaTask task, ReplicaStatistics statistics) {
    if (setting.config().loss().reduction() == Reduction.TOKEN_MEAN) {
      return statistics.tokens();
    }
    long streams = 0;
    for (long step = 0; step < statistics.steps(); step++) {
      streams += plan.streamsInStep(task.replica(), task.firstStep() + step);
    }
    return streams;
  }

  private Stream<Tuple2<Integer, Message>> failed(
      ReplicaTask task, ReplicaReport.Failure failure, String sentence) {
    return report(task.replica(), () -> ReplicaReport.failed(task.replica(), failure, sentence));
  }

  /**
   * Reports pass through the reducers, spread over them. One is made when the shuffle has taken all
   * that comes before it.
   */
  private Stream<Tuple2<Integer, Message>> report(int replica, Supplier<ReplicaReport> report) {
    return Stream.of(replica % vectors.cut().slices())
        .map(reducer -> new Tuple2<Integer, Message>(reducer, report.get()));
  }

  private boolean averagesMoments() {
    return setting.config().optimizer().state() == OptimizerConfig.State.AVERAGE;
  }

  private static ReplicaState withoutMoments(ReplicaState state) {
    return state.withMoments(new float[0], 0);
  }
}
