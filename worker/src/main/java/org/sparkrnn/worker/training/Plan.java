package org.sparkrnn.worker.training;

import java.io.Serializable;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;

/**
 * Who trains on which tokens in one epoch, a pure function of four numbers.
 *
 * <p>The split is one sequence of N tokens. Replica r of W gets tokens [⌊rN/W⌋, ⌊(r+1)N/W⌋) and one
 * label token beyond them (the last part has none, so it predicts one token less). Its predictions
 * are cut into {@code streams} contiguous rows of equal length; fewer than {@code streams} are left
 * over and dropped. A step trains one window of every row; the last window of a row may be short. A
 * replica whose rows end before those of another takes no part in the remaining steps.
 *
 * @param tokens N, tokens of the split
 * @param replicas W
 * @param streams rows per replica
 * @param window time steps of a full window
 */
public record Plan(long tokens, int replicas, int streams, int window) implements Serializable {
  public Plan {
    if (tokens < 0 || replicas <= 0 || streams <= 0 || window <= 0) {
      throw new IllegalArgumentException(
          "Cannot plan an epoch of %d tokens for %d replicas, %d streams and windows of %d"
              .formatted(tokens, replicas, streams, window));
    }
  }

  /**
   * The plan of a training split.
   *
   * @throws BadInputException if nobody would train on anything
   */
  public static Plan of(TrainingConfig config, long tokens) {
    int replicas = config.training().replicas();
    int streams = config.batch().streams();
    Plan plan = new Plan(tokens, replicas, streams, config.batch().window());
    if (plan.stepsPerEpoch() == 0) {
      throw new BadInputException(
          ("Cannot train on %d tokens with training.replicas = %d and batch.streams = %d: no"
                  + " replica gets a token for every stream")
              .formatted(tokens, replicas, streams));
    }
    return plan;
  }

  /** Index of the first token of a replica's part. */
  public long firstToken(int replica) {
    // ⌊rN/W⌋ without the product, which may not fit.
    return tokens / replicas * replica + tokens % replicas * replica / replicas;
  }

  /** Tokens of a replica that are followed by a label, dropped ones included. */
  public long predictions(int replica) {
    long end = Math.min(firstToken(replica + 1), tokens - 1);
    return Math.max(0, end - firstToken(replica));
  }

  /** Predictions of one row of a replica in an epoch; 0 if its part is too short to train on. */
  public long rowLength(int replica) {
    return predictions(replica) / streams;
  }

  /** Index of the first token of a row. */
  public long rowStart(int replica, int stream) {
    return firstToken(replica) + stream * rowLength(replica);
  }

  /** Local steps a replica takes in an epoch. */
  public long steps(int replica) {
    return (rowLength(replica) + window - 1) / window;
  }

  /** Local steps of an epoch, those of the replica that takes most. */
  public long stepsPerEpoch() {
    long most = 0;
    for (int replica = 0; replica < replicas; replica++) {
      most = Math.max(most, steps(replica));
    }
    return most;
  }

  /** Time steps of a replica's window at a step of the epoch; 0 when it has none left. */
  public int timeInStep(int replica, long step) {
    return (int) Math.max(0, Math.min(window, rowLength(replica) - step * window));
  }

  /** Tokens a replica trains on in a step of the epoch. */
  public long tokensInStep(int replica, long step) {
    return (long) timeInStep(replica, step) * streams;
  }

  /** Tokens all replicas train on in the epoch before a step. */
  public long tokensBefore(long step) {
    long sum = 0;
    for (int replica = 0; replica < replicas; replica++) {
      sum += Math.min(rowLength(replica), step * window) * streams;
    }
    return sum;
  }

  /** Tokens all replicas train on in an epoch. */
  public long tokensPerEpoch() {
    return tokensBefore(stepsPerEpoch());
  }

  /** Tokens of the split that no replica trains on, the very last label not counted. */
  public long droppedTokens() {
    return Math.max(0, tokens - 1) - tokensPerEpoch();
  }
}
