package org.sparkrnn.worker.training;

import java.io.Serializable;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;

/**
 * Who trains on which tokens or sequences in one epoch, a pure function of a few numbers.
 *
 * <p>Tokens: the split is one sequence of N tokens. Replica r of W gets tokens [⌊rN/W⌋, ⌊(r+1)N/W⌋)
 * and one label token beyond them (the last part has none, so it predicts one token less). Its
 * predictions are cut into {@code streams} contiguous rows of equal length; fewer than {@code
 * streams} are left over and dropped. A step trains one window of every row; the last window of a
 * row may be short. A replica whose rows end before those of another takes no part in the remaining
 * steps.
 *
 * <p>Sequences: replica r gets places [⌊rN/W⌋, ⌊(r+1)N/W⌋) of the epoch's order and trains {@code
 * streams} of them in a step, in its last step what is left. What the methods below call tokens are
 * sequences then; none is dropped.
 *
 * <p>Steps of tokens are of full windows here. Where lengths are drawn ({@link Windows}) their
 * numbers are about right; rows and tokens do not depend on them.
 *
 * @param tokens N, tokens or sequences of the split
 * @param replicas W
 * @param streams rows per replica; sequences of a step
 * @param window time steps of a full window; most steps of a sequence
 */
public record Plan(long tokens, int replicas, int streams, int window, Unit unit)
    implements Serializable {
  /** What is planned. */
  public enum Unit {
    TOKENS,
    SEQUENCES
  }

  /** A plan of tokens. */
  public Plan(long tokens, int replicas, int streams, int window) {
    this(tokens, replicas, streams, window, Unit.TOKENS);
  }

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
    Unit unit = config.task().isOfSequences() ? Unit.SEQUENCES : Unit.TOKENS;
    Plan plan = new Plan(tokens, replicas, streams, config.batch().window(), unit);
    if (unit == Unit.SEQUENCES && tokens == 0) {
      throw new BadInputException("Cannot train on a split without sequences");
    }
    if (plan.stepsPerEpoch() == 0) {
      throw new BadInputException(
          ("Cannot train on %d tokens with training.replicas = %d and batch.streams = %d: no"
                  + " replica gets a token for every stream")
              .formatted(tokens, replicas, streams));
    }
    return plan;
  }

  /** The same of a split of another size. */
  public Plan withTokens(long size) {
    return new Plan(size, replicas, streams, window, unit);
  }

  private boolean isOfTokens() {
    return unit == Unit.TOKENS;
  }

  /** Index of the first token of a replica's part. */
  public long firstToken(int replica) {
    // ⌊rN/W⌋ without the product, which may not fit.
    return tokens / replicas * replica + tokens % replicas * replica / replicas;
  }

  /** Tokens of a replica that are followed by a label, dropped ones included. */
  public long predictions(int replica) {
    long end = Math.min(firstToken(replica + 1), isOfTokens() ? tokens - 1 : tokens);
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
    return isOfTokens()
        ? (rowLength(replica) + window - 1) / window
        : (predictions(replica) + streams - 1) / streams;
  }

  /** Local steps of an epoch, those of the replica that takes most. */
  public long stepsPerEpoch() {
    return isOfTokens() ? (longestRow() + window - 1) / window : longestRow();
  }

  /** Time steps of a replica's window at a step of the epoch; 0 when it has none left. */
  public int timeInStep(int replica, long step) {
    return (int) Math.max(0, Math.min(window, rowLength(replica) - step * window));
  }

  /** Tokens a replica trains on in a step of the epoch. */
  public long tokensInStep(int replica, long step) {
    return isOfTokens()
        ? (long) timeInStep(replica, step) * streams
        : Math.max(0, Math.min(streams, predictions(replica) - step * streams));
  }

  /** Rows or sequences of a replica in a step of the epoch; 0 when it has none left. */
  public long streamsInStep(int replica, long step) {
    long trained = tokensInStep(replica, step);
    return isOfTokens() ? Math.min(trained, streams) : trained;
  }

  /** Tokens all replicas train on in the epoch before a step. */
  public long tokensBefore(long step) {
    return tokensTo(isOfTokens() ? step * window : step);
  }

  /**
   * Tokens all replicas train on in the first {@code time} time steps of their rows; of sequences
   * in so many steps.
   */
  public long tokensTo(long time) {
    long sum = 0;
    for (int replica = 0; replica < replicas; replica++) {
      sum +=
          isOfTokens()
              ? Math.min(rowLength(replica), time) * streams
              : Math.min(predictions(replica), time * streams);
    }
    return sum;
  }

  /** Time steps of a replica's rows; of sequences its steps. */
  public long row(int replica) {
    return isOfTokens() ? rowLength(replica) : steps(replica);
  }

  /** Time steps of the longest row. */
  public long longestRow() {
    long longest = 0;
    for (int replica = 0; replica < replicas; replica++) {
      longest = Math.max(longest, row(replica));
    }
    return longest;
  }

  /** Tokens all replicas train on in an epoch. */
  public long tokensPerEpoch() {
    return tokensTo(longestRow());
  }

  /** Tokens of the split that no replica trains on, the very last label not counted. */
  public long droppedTokens() {
    return isOfTokens() ? Math.max(0, tokens - 1) - tokensPerEpoch() : 0;
  }
}
