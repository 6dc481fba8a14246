package org.sparkrnn.driver.rounds;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.worker.training.ReplicaState;

/**
 * What the replicas carry from one round to the next: each its own state, and the moments that they
 * share if {@code optimizer.state} is {@code average}. Nobody may write to the arrays.
 */
final class ReplicaStates {
  private final List<CarriedState> carried;
  private final float[] sharedMoments;
  private final long sharedSteps;

  /**
   * @param carried by replica; without moments if these are shared
   * @param sharedMoments empty for zeros, and if they are not shared
   * @param sharedSteps updates that the shared moments have seen
   */
  ReplicaStates(List<CarriedState> carried, float[] sharedMoments, long sharedSteps) {
    this.carried = List.copyOf(carried);
    this.sharedMoments = sharedMoments;
    this.sharedSteps = sharedSteps;
  }

  /** Zeros for that many replicas. */
  static ReplicaStates start(int replicas) {
    return new ReplicaStates(
        Collections.nCopies(replicas, CarriedState.inline(ReplicaState.start())), new float[0], 0);
  }

  List<CarriedState> carried() {
    return carried;
  }

  float[] sharedMoments() {
    return sharedMoments;
  }

  long sharedSteps() {
    return sharedSteps;
  }

  /** The whole states, as a checkpoint has them. */
  List<ReplicaState> open(Files files) throws IOException {
    List<ReplicaState> states = new ArrayList<>();
    for (CarriedState state : carried) {
      ReplicaState own = state.open(files);
      states.add(sharedMoments.length == 0 ? own : own.withMoments(sharedMoments, sharedSteps));
    }
    return states;
  }

  /** Deletes the files of these states that {@code next} does not carry on. */
  void deleteUnless(ReplicaStates next, Files files) throws IOException {
    List<String> kept = next.carried.stream().flatMap(state -> state.file().stream()).toList();
    for (CarriedState state : carried) {
      if (state.file().isPresent() && !kept.contains(state.file().get())) {
        files.delete(state.file().get());
      }
    }
  }
}
