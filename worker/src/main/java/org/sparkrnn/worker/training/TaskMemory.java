package org.sparkrnn.worker.training;

import java.io.Serializable;
import org.sparkrnn.common.config.OptimizerConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.ModelSpec;

/**
 * The memory that one running task takes; the formula is in docs/kernel.md.
 *
 * @param nativeBytes its arena, outside the heap; with the Java kernel an array on the heap
 * @param heapBytes arrays on the Java heap, beside the broadcast parameters that the tasks of a
 *     process share
 */
public record TaskMemory(long nativeBytes, long heapBytes) implements Serializable {

  /** What {@link ReplicaTrainer#run} allocates. */
  public static TaskMemory of(TrainingConfig config, ModelSpec spec, Kernel kernel) {
    int streams = config.batch().streams();
    int window = config.batch().window();
    int moments = ReplicaTrainer.momentVectors(config);
    return new TaskMemory(
        LanguageModel.trainingBytes(spec, kernel, streams, window, moments),
        Float.BYTES * heapElements(config, spec));
  }

  /** Floats and ints. */
  private static long heapElements(TrainingConfig config, ModelSpec spec) {
    long parameters = spec.layout().size();
    long positions = (long) config.batch().streams() * config.batch().window();
    boolean keepsMoments = config.optimizer().state() != OptimizerConfig.State.RESET;
    long moments = keepsMoments ? ReplicaTrainer.momentVectors(config) * parameters : 0;
    long state = spec.stateFloats(config.batch().streams());
    long windows = 5 * positions; // tokens, labels, three numbers for each loss
    long touchedRows =
        spec.isOneHot() ? 0 : spec.vocabulary() + Math.min(spec.vocabulary(), positions);
    return parameters + 2 * moments + 2 * state + windows + touchedRows;
  }
}
