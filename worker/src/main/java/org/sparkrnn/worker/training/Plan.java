package org.sparkrnn.worker.training;

import java.io.Serializable;
import org.sparkrnn.common.config.TaskConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.BadInputException;

/**
 * Who trains on which tokens or sequences in one epoch, or in one of the two parts of an epoch
 * whose beginning one replica trains alone ({@code round.warmup-steps}); a pure function of a few
 * numbers.
 *
 * <p>Tokens: the split is one sequence of tokens, of which the plan covers N from {@code first} on.
 * Replica r of W gets tokens {@code first} + [⌊rN/W⌋, ⌊(r+1)N/W⌋) and one label token beyond them
 * (the last token of the split has none, so one less is predicted there). Its predictions are cut
 * into {@code streams} contiguous rows of equal length; fewer than {@code streams} are left over
 * and dropped. A step trains one window of every row; the last window of a row may be short. A
 * replica whose rows end before those of another takes no part in the remaining steps.
 *
 * <p>Sequences: replica r gets places [⌊rN/W⌋, ⌊(r+1)N/W⌋) of the epoch's order and trains {@code
 * streams} of them in a step, in its last step what is left. What the methods below call tokens are
 * sequences then; none is dropped.
 *
 * <p>Steps of tokens are of full windows here. Where lengths are drawn ({@link Windows}) their
 * numbers are about right; rows and tokens do not depend on them.
 *
 * @param tokens tokens or sequences of the split
 * @param first of them that the plan covers
 * @param end of those that it covers
 * @param replicas W
 * @param streams rows per replica; sequences of a step
 * @param window time steps of a full window; most steps of a sequence
 */
public record Plan(
    long tokens, long first, long end, int replicas, int streams, int window, Unit unit)
    implements Serializable {
  /** What is planned. */
  public enum Unit {
    TOKENS("tokens", "tokens"),
    SEQUENCES("sequences", "predictions");

    private final String word;
    private final String measured;

    Unit(String word, String measured) {
      this.word = word;
      this.measured = measured;
    }

    public static Unit ofTask(TaskConfig task) {
      return task.isOfSequences() ? SEQUENCES : TOKENS;
    }

    /** What an epoch has so many of, for people and in {@code state.json}. */
    public String word() {
      return word;
    }

    /**
     * What losses are means of and rates are counted in: of a sequence one, or one for each step.
     */
    public String measured() {
      return measured;
    }
  }

  /** A plan of whole epochs. */
  public Plan(long tokens, int replicas, int streams, int window, Unit unit) {
    this(tokens, 0, tokens, replicas, streams, window, unit);
  }

  /** A plan of whole epochs of tokens. */
  public Plan(long tokens, int replicas, int streams, int window) {
    this(tokens, replicas, streams, window, Unit.TOKENS);
  }

  public Plan {
    boolean covers = 0 <= first && first <= end && end <= tokens;
    if (!covers || replicas <= 0 || streams <= 0 || window <= 0) {
      throw new IllegalArgumentException(
          "Cannot plan %d to %d of %d tokens for %d replicas, %d streams and windows of %d"
              .formatted(first, end, tokens, replicas, streams, window));
    }
  }

  /**
   * The plan of whole epochs of a training split.
   *
   * @throws BadInputException if nobody would train on anything
   */
  public static Plan of(TrainingConfig config, long tokens) {
    Plan plan = ofReplicas(config, tokens, 0);
    if (plan.unit == Unit.SEQUENCES && tokens == 0) {
      throw new BadInputException("Cannot train on a split without sequences");
    }
    if (plan.steps() == 0) {
      throw new BadInputException(
          ("Cannot train on %d tokens with training.replicas = %d and batch.streams = %d: no"
                  + " replica gets a token for every stream")
              .formatted(tokens, plan.replicas, plan.streams));
    }
    return plan;
  }

  /**
   * The plan that a run begins with: where it warms up, one replica in the place of all on the
   * tokens of {@code round.warmup-steps} steps, or on the whole epoch if what follows is too short;
   * none where the epoch is too short for that one's streams.
   *
   * @throws BadInputException as {@link #of}
   */
  public static Plan atStart(TrainingConfig config, long tokens) {
    Plan whole = of(config, tokens);
    Plan warmup = config.warmsUp() ? warmup(config, tokens) : whole;
    return warmup.steps() > 0 ? warmup : whole;
  }

  private static Plan warmup(TrainingConfig config, long tokens) {
    int streams = config.batch().globalStreams();
    int window = config.batch().window();
    Unit unit = Unit.ofTask(config.task());
    long step = unit == Unit.TOKENS ? (long) streams * window : streams;
    int steps = config.round().warmupSteps();
    long end = tokens / step < steps ? tokens : steps * step;
    boolean leavesSome = ofReplicas(config, tokens, end).steps() > 0;
    return new Plan(tokens, 0, leavesSome ? end : tokens, 1, streams, window, unit);
  }

  private static Plan ofReplicas(TrainingConfig config, long tokens, long first) {
    return new Plan(
        tokens,
        first,
        tokens,
        config.training().replicas(),
        config.batch().streams(),
        config.batch().window(),
        Unit.ofTask(config.task()));
  }

  /** The plan of what the warm-up leaves of an epoch. */
  Plan rest(TrainingConfig config) {
    return ofReplicas(config, tokens, end);
  }

  /** Whether an epoch ends with this plan; else {@link #rest} follows. */
  public boolean endsEpoch() {
    return end == tokens;
  }

  /** Whether a run with these settings may have this plan. */
  boolean isOf(TrainingConfig config) {
    if (equals(ofReplicas(config, tokens, 0))) {
      return true;
    }
    if (!config.warmsUp()
        || window != config.batch().window()
        || unit != Unit.ofTask(config.task())) {
      return false;
    }
    Plan warmup = warmup(config, tokens);
    return equals(warmup) || (!warmup.endsEpoch() && equals(warmup.rest(config)));
  }

  private boolean isOfTokens() {
    return unit == Unit.TOKENS;
  }

  /** Index of the first token of a replica's part. */
  public long firstToken(int replica) {
    // ⌊rN/W⌋ without the product, which may not fit.
    long covered = end - first;
    return first + covered / replicas * replica + covered % replicas * replica / replicas;
  }

  /** Tokens of a replica that are followed by a label, dropped ones included. */
  public long predictions(int replica) {
    long endOfPart = Math.min(firstToken(replica + 1), isOfTokens() ? tokens - 1 : tokens);
    return Math.max(0, endOfPart - firstToken(replica));
  }

  /** Predictions of one row of a replica; 0 if its part is too short to train on. */
  public long rowLength(int replica) {
    return predictions(replica) / streams;
  }

  /** Index of the first token of a row. */
  public long rowStart(int replica, int stream) {
    return firstToken(replica) + stream * rowLength(replica);
  }

  /** Local steps a replica takes. */
  public long steps(int replica) {
    return isOfTokens()
        ? (rowLength(replica) + window - 1) / window
        : (predictions(replica) + streams - 1) / streams;
  }

  /** Local steps of the replica that takes most. */
  public long steps() {
    return isOfTokens() ? (longestRow() + window - 1) / window : longestRow();
  }

  /** Time steps of a replica's window at a step; 0 when it has none left. */
  public int timeInStep(int replica, long step) {
    return (int) Math.max(0, Math.min(window, rowLength(replica) - step * window));
  }

  /** Tokens a replica trains on in a step. */
  public long tokensInStep(int replica, long step) {
    return isOfTokens()
        ? (long) timeInStep(replica, step) * streams
        : Math.max(0, Math.min(streams, predictions(replica) - step * streams));
  }

  /** Rows or sequences of a replica in a step; 0 when it has none left. */
  public long streamsInStep(int replica, long step) {
    long trained = tokensInStep(replica, step);
    return isOfTokens() ? Math.min(trained, streams) : trained;
  }

  /** Tokens all replicas train on before a step. */
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

  /** Tokens all replicas train on. */
  public long trainedTokens() {
    return tokensTo(longestRow());
  }

  /** The share of the epoch that is over with a share of this plan. */
  double epochShare(double share) {
    return (double) first / tokens + share * ((double) (end - first) / tokens);
  }

  /** Tokens that no replica trains on, the very last label of the split not counted. */
  public long droppedTokens() {
    long labelled = Math.min(end, tokens - 1) - first;
    return isOfTokens() ? Math.max(0, labelled) - trainedTokens() : 0;
  }
}
