package org.sparkrnn.driver.rounds;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.worker.training.ReplicaState;

/**
 * What the replicas carry from one round to the next: each its own state, and the moments that they
 * share if {@code optimizer.state} is {@code average}. Nobody may write to the arrays.
 */
final class ReplicaStates {
  private final List<CarriedState> carried;
  private final boolean shared;
  private final float[] sharedMoments;
  private final long sharedSteps;

  private ReplicaStates(
      List<CarriedState> carried, boolean shared, float[] sharedMoments, long sharedSteps) {
    this.carried = List.copyOf(carried);
    this.shared = shared;
    this.sharedMoments = sharedMoments;
    this.sharedSteps = sharedSteps;
  }

  /** Every replica keeps its own moments, if it has any. */
  static ReplicaStates ofTheirOwn(List<CarriedState> carried) {
    return new ReplicaStates(carried, false, new float[0], 0);
  }

  /**
   * The replicas carry hidden state only.
   *
   * @param moments what all of them continue from; empty for zeros
   * @param steps updates that these have seen
   */
  static ReplicaStates sharing(List<CarriedState> carried, float[] moments, long steps) {
    return new ReplicaStates(carried, true, moments, steps);
  }

  /** Zeros for that many replicas. */
  static ReplicaStates start(int replicas, boolean shared) {
    List<CarriedState> zeros =
        Collections.nCopies(replicas, CarriedState.inline(ReplicaState.start()));
    return new ReplicaStates(zeros, shared, new float[0], 0);
  }

  /** The states of so many replicas: those of these, or of each the one that trained for all. */
  ReplicaStates handedTo(int replicas) {
    return replicas == carried.size()
        ? this
        : new ReplicaStates(
            Collections.nCopies(replicas, carried.get(0)), shared, sharedMoments, sharedSteps);
  }

  List<CarriedState> carried() {
    return carried;
  }

  boolean shared() {
    return shared;
  }

  float[] sharedMoments() {
    return sharedMoments;
  }

  long sharedSteps() {
    return sharedSteps;
  }

  /** The whole state of a replica, as a checkpoint has it. */
  ReplicaState open(int replica, Files files) throws IOException {
    ReplicaState own = carried.get(replica).open(files);
    return shared ? own.withMoments(sharedMoments, sharedSteps) : own;
  }

  /** Deletes the files of these states that {@code next} does not carry on. */
  void deleteUnless(ReplicaStates next, Files files) throws IOException {
    Set<String> kept = new HashSet<>(next.paths());
    for (String path : new ArrayList<>(paths())) {
      if (!kept.contains(path)) {
        files.delete(path);
      }
    }
  }

  private List<String> paths() {
    return carried.stream().flatMap(state -> state.file().stream()).toList();
  }
}
