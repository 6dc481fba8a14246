package org.sparkrnn.driver.metrics;

import java.util.List;
import org.sparkrnn.worker.training.Plan.Unit;
import org.sparkrnn.worker.training.TaskMemory;

/**
 * What a run is about to do.
 *
 * @param parameters of the model
 * @param replicas that train side by side
 * @param epochs in all
 * @param epoch epochs that have ended
 * @param step local steps that have been taken
 * @param stepInEpoch of these, in the running epoch
 * @param stepsPerEpoch of the present corpus
 * @param tokensPerEpoch of the present corpus, of all replicas
 * @param tokens trained on so far
 * @param droppedTokens of an epoch that are too few for a row or have no label
 * @param unit what is called tokens here
 * @param taskMemory what one running task takes
 * @param memory what the processes take and have
 * @param costs what a round will take and what the replicas bring, then what would be faster
 * @param wordVectors how many words began with a vector from a file; empty if none was read
 * @param warmup what one replica does in the place of all; empty where that is over
 */
public record RunDescription(
    long parameters,
    int replicas,
    int epochs,
    int epoch,
    long step,
    long stepInEpoch,
    long stepsPerEpoch,
    long tokensPerEpoch,
    long tokens,
    long droppedTokens,
    Unit unit,
    TaskMemory taskMemory,
    String memory,
    List<String> costs,
    String wordVectors,
    String warmup) {}
