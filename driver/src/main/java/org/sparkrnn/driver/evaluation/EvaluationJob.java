package org.sparkrnn.driver.evaluation;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.driver.cluster.ClusterFailures;
import org.sparkrnn.driver.cluster.JobWatch;
import org.sparkrnn.driver.messages.FloatVector;

/** A Spark job in which each task evaluates one group of parts of a split. */
final class EvaluationJob {
  private final JavaSparkContext context;
  private final JobWatch watch;
  private final String split;

  EvaluationJob(JavaSparkContext context, JobWatch watch, String split) {
    this.context = context;
    this.watch = watch;
    this.split = split;
  }

  /** Groups that as many parts are evaluated in. */
  int groups(int parts) {
    return Math.min(parts, Math.max(1, context.defaultParallelism()));
  }

  /** A task on the parameters that were sent. */
  interface TaskOf<P extends EvaluatedPart> {
    org.apache.spark.api.java.function.Function<Integer, P> on(Broadcast<FloatVector> parameters);
  }

  /**
   * Runs the job.
   *
   * @param parts what is evaluated, for people
   * @throws BadInputException if a part cannot be read
   */
  <P extends EvaluatedPart> List<P> run(
      float[] parameters, int groups, String parts, TaskOf<P> task) {
    String name = "evaluation of " + split;
    Optional<Broadcast<FloatVector>> broadcast = Optional.empty();
    try {
      Broadcast<FloatVector> sent = context.broadcast(new FloatVector(parameters));
      broadcast = Optional.of(sent);
      context.setJobGroup("spark-rnn " + name, name + " in " + parts, false);
      List<P> results =
          watch.await(
              "finish the " + name,
              context
                  .parallelize(IntStream.range(0, groups).boxed().toList(), groups)
                  .map(task.on(sent))
                  .collectAsync());
      for (P result : results) {
        result
            .failureSentence()
            .ifPresent(
                sentence -> {
                  throw new BadInputException(sentence);
                });
      }
      return results;
    } catch (IllegalStateException e) {
      throw ClusterFailures.ofContext("finish the " + name, context, e);
    } finally {
      context.clearJobGroup();
      if (!context.sc().isStopped()) {
        broadcast.ifPresent(Broadcast::destroy);
      }
    }
  }

  /** What a task computes. */
  interface Computation<P> {
    P get(TaskContext context) throws IOException;
  }

  /** The computation's result, or what tells that its input cannot be read. */
  static <P> P guarded(String split, Computation<P> computation, Function<String, P> failed)
      throws IOException {
    TaskContext context = TaskContext.get();
    try {
      return computation.get(context);
    } catch (CorruptFileException | BadInputException e) {
      return failed.apply(String.valueOf(e.getMessage()));
    } catch (NoSuchFileException | FileNotFoundException e) {
      return failed.apply(
          "Cannot evaluate %s: an executor does not see %s".formatted(split, e.getMessage()));
    } catch (CancellationException e) {
      context.killTaskIfInterrupted();
      throw e;
    }
  }
}
