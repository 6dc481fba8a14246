package org.sparkrnn.worker.training;

import java.io.Serializable;
import org.sparkrnn.common.config.OptimizerConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.sequences.SequenceModel;

/**
 * The memory that one running task takes; the formula is in docs/kernel.md.
 *
 * @param nativeBytes its arena, outside the heap; 0 with the Java kernel
 * @param heapBytes arrays on the Java heap, the arena of the Java kernel among them, beside the
 *     broadcast parameters that the tasks of a process share
 */
public record TaskMemory(long nativeBytes, long heapBytes) implements Serializable {

  /** What {@link ReplicaTrainer#run} allocates, whatever processor this machine has. */
  public static TaskMemory of(TrainingConfig config, ModelSpec spec) {
    Kernel kernel = Kernel.ofSizes(config.kernel());
    int streams = config.mostStreams();
    int window = longestWindow(config);
    int moments = ReplicaTrainer.momentVectors(config);
    long arena =
        spec.task().isOfSequences()
            ? SequenceModel.trainingBytes(spec, kernel, streams, window, moments)
            : LanguageModel.trainingBytes(spec, kernel, streams, window, moments);
    long heap = Float.BYTES * heapElements(config, spec);
    return kernel instanceof JavaKernel
        ? new TaskMemory(0, arena + heap)
        : new TaskMemory(arena, heap);
  }

  private static int longestWindow(TrainingConfig config) {
    return config.task().isOfSequences() ? config.batch().window() : Windows.of(config).longest();
  }

  /** Floats and ints. */
  private static long heapElements(TrainingConfig config, ModelSpec spec) {
    long parameters = spec.layout().size();
    long positions = (long) config.mostStreams() * longestWindow(config);
    boolean keepsMoments = config.optimizer().state() != OptimizerConfig.State.RESET;
    long moments = keepsMoments ? ReplicaTrainer.momentVectors(config) * parameters : 0;
    long state = spec.stateFloats(config.mostStreams());
    long windows = 5 * positions; // tokens, labels, three numbers for each loss
    if (spec.softmax().isAdaptive()) {
      windows += 8 * positions; // four lists of labels and rows, two losses in double
    }
    if (spec.softmax().isSampled()) {
      windows += positions + 3L * spec.softmax().softmaxSamples() + spec.vocabulary();
    }
    if (spec.task().isOfSequences()) {
      long columns = spec.task().dense() ? spec.vocabulary() : 0;
      windows = (9 + columns) * positions + (long) config.mostStreams() * spec.outputs();
    }
    if (spec.dropout().dropsRows()) {
      windows += positions; // a factor for each
    }
    long touchedRows =
        spec.hasSparseEmbedding() ? spec.vocabulary() + Math.min(spec.vocabulary(), positions) : 0;
    return parameters + 2 * moments + 2 * state + windows + touchedRows;
  }
}
