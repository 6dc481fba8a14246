package org.sparkrnn.driver.memory;

import org.sparkrnn.common.config.OptimizerConfig;
import org.sparkrnn.common.config.OuterConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.driver.averaging.Slices;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.ReplicaTrainer;
import org.sparkrnn.worker.training.TaskMemory;

/**
 * The bytes that a round needs at once, wherever they are; docs/scaling.md has the formulas.
 *
 * @param replicas W
 * @param vectorBytes 4·N, one vector of the parameters' size
 * @param sharedVectors what every process receives in broadcasts: the start, and moments if they
 *     are averaged
 * @param outerVectors what the driver keeps between rounds: parameters, outer state, averaged
 *     moments
 * @param carriedBytes state of one replica that travels through the driver; 0 if it goes through
 *     files
 * @param task what one running task takes for itself
 */
public record RoundMemory(
    int replicas,
    long vectorBytes,
    int sharedVectors,
    int outerVectors,
    long carriedBytes,
    TaskMemory task) {

  /** The needs of a model under settings. */
  public static RoundMemory of(TrainingConfig config, ModelSpec spec) {
    boolean averagesMoments = averagesMoments(config);
    int averagedMoments = averagesMoments ? ReplicaTrainer.momentVectors(config) : 0;
    int outer = config.outer().kind() == OuterConfig.Kind.NESTEROV ? 3 : 1;
    long state = stateBytes(config, spec);
    return new RoundMemory(
        config.training().replicas(),
        (long) Float.BYTES * spec.layout().size(),
        1 + averagedMoments,
        outer + averagedMoments,
        state <= config.round().inlineStateBytes() ? state : 0,
        TaskMemory.of(config, spec));
  }

  /** What a replica carries from round to round, inline or in a file. */
  public static long stateBytes(TrainingConfig config, ModelSpec spec) {
    long hidden = spec.stateFloats(config.mostStreams());
    boolean keepsMoments = config.optimizer().state() == OptimizerConfig.State.KEEP_LOCAL;
    long moments =
        keepsMoments ? (long) ReplicaTrainer.momentVectors(config) * spec.layout().size() : 0;
    return Float.BYTES * (hidden + moments);
  }

  private static boolean averagesMoments(TrainingConfig config) {
    return config.optimizer().state() == OptimizerConfig.State.AVERAGE;
  }

  /** On the heap of every process that runs tasks, once for all of them. */
  public long broadcastBytes() {
    return sharedVectors * vectorBytes;
  }

  /**
   * On the heap of a task at its fuller moment: training, with one slice on its way to the shuffle,
   * or averaging a slice of all replicas in double.
   */
  public long taskHeapBytes() {
    long training = task.heapBytes() + sliceBytes();
    long averaging = (replicas + 3L) * sliceBytes();
    return Math.max(training, averaging);
  }

  /** Outside the heap, for each running task. */
  public long taskNativeBytes() {
    return task.nativeBytes();
  }

  /**
   * On the driver's heap when a round ends: what it keeps, the slices as they came and put
   * together, carried states before and after.
   */
  public long driverBytes() {
    return (outerVectors + 2L * sharedVectors) * vectorBytes + 2L * replicas * carriedBytes;
  }

  /** What a round's tasks return to the driver. */
  public long resultBytes() {
    return broadcastBytes() + replicas * carriedBytes;
  }

  private long sliceBytes() {
    return Float.BYTES * (long) Slices.of((int) (vectorBytes / Float.BYTES), replicas).longest();
  }
}
