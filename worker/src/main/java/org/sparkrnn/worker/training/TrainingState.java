package org.sparkrnn.worker.training;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparkrnn.common.config.ScheduleConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.errors.DivergedException;
import org.sparkrnn.common.storage.Json;
import org.sparkrnn.common.storage.JsonObject;

/**
 * Where a run stands between two rounds: {@code state.json} of a checkpoint. Its transitions are
 * pure and shared by all trainers. It says nothing of limits: step N of a limited run has the state
 * of step N of an unlimited one.
 *
 * @param step local steps since the start of the run; every replica counts, short ones too
 * @param round rounds since the start
 * @param epoch from 0; epochs that have ended
 * @param stepInEpoch steps of this epoch taken; where its beginning is a part of its own, of the
 *     part
 * @param timeInEpoch time steps of the longest row that they went through
 * @param tokens tokens all replicas have trained on
 * @param plan of this epoch or part; at its start that of the one before, until {@link #begin}
 * @param bestLoss lowest validation loss in nats per token, infinite before the first
 * @param bestStep step it was measured at; 0 before the first
 * @param plateauFactor what the plateau schedule multiplies the learning rate with
 * @param evaluationsWithoutImprovement since the best
 * @param plateauEvaluations since the best or since the plateau schedule last lowered the rate
 * @param trigger of NT-ASGD
 */
public record TrainingState(
    long step,
    long round,
    int epoch,
    long stepInEpoch,
    long timeInEpoch,
    long tokens,
    Plan plan,
    double bestLoss,
    long bestStep,
    double plateauFactor,
    int evaluationsWithoutImprovement,
    int plateauEvaluations,
    AveragingTrigger trigger) {
  private static final long MOST_TOKENS = 1L << 52;

  /** Why a run ends. */
  public enum End {
    /** {@code training.epochs}. */
    EPOCHS("all epochs are trained"),
    /** {@code training.patience}. */
    PATIENCE("validation loss no longer improves"),
    /** {@code training.max-rounds}. */
    MAX_ROUNDS("training.max-rounds is reached"),
    /** {@code training.max-tokens}. */
    MAX_TOKENS("training.max-tokens is reached");

    private final String reason;

    End(String reason) {
      this.reason = reason;
    }

    public String reason() {
      return reason;
    }
  }

  /** The start of a run. */
  public static TrainingState start(Plan plan) {
    return new TrainingState(
        0, 0, 0, 0, 0, 0, plan, Double.POSITIVE_INFINITY, 0, 1, 0, 0, AveragingTrigger.start());
  }

  /** Whether the next round is the first of an epoch: a corpus that grew takes effect then. */
  public boolean beginsEpoch() {
    return stepInEpoch == 0 && (step == 0 || plan.endsEpoch());
  }

  /**
   * Before every round: the plan that it is a part of.
   *
   * @param corpusTokens tokens or sequences of the split, as {@link #beginsEpoch} finds it
   */
  public TrainingState begin(TrainingConfig config, long corpusTokens) {
    if (step == 0) {
      return withPlan(Plan.atStart(config, corpusTokens));
    }
    if (stepInEpoch > 0) {
      return this;
    }
    return withPlan(plan.endsEpoch() ? Plan.of(config, corpusTokens) : plan.rest(config));
  }

  /** Whether one replica trains in the place of all. */
  public boolean warmsUp(TrainingConfig config) {
    return plan.replicas() < config.training().replicas();
  }

  /** Steps of the next round: {@code round.local-steps}, or what is left of the plan. */
  public int stepsInRound(TrainingConfig config) {
    long left = plan.longestRow() - timeInEpoch;
    return Windows.of(config).steps(step, left, config.round().localSteps());
  }

  /** How much of the epoch is over. */
  public double epochShare() {
    boolean partEnded = stepInEpoch == 0 && !beginsEpoch();
    return plan.epochShare(
        partEnded ? 1 : (double) plan.tokensTo(timeInEpoch) / plan.trainedTokens());
  }

  /** What a replica does in the next round. */
  public ReplicaTask task(int replica, int steps) {
    return new ReplicaTask(
        replica,
        round,
        epoch,
        stepInEpoch,
        timeInEpoch,
        steps,
        step,
        tokens - plan.tokensTo(timeInEpoch),
        trigger.from(),
        plateauFactor);
  }

  /** After all replicas have taken that many steps. */
  public TrainingState afterRound(TrainingConfig config, int steps) {
    long next = timeInEpoch + Windows.of(config).total(step, steps);
    boolean ended = next >= plan.longestRow();
    boolean epochEnded = ended && plan.endsEpoch();
    return new TrainingState(
        step + steps,
        round + 1,
        epochEnded ? epoch + 1 : epoch,
        ended ? 0 : stepInEpoch + steps,
        ended ? 0 : next,
        tokens + plan.tokensTo(next) - plan.tokensTo(timeInEpoch),
        plan,
        bestLoss,
        bestStep,
        plateauFactor,
        evaluationsWithoutImprovement,
        plateauEvaluations,
        trigger);
  }

  /**
   * After an evaluation of the present parameters: best so far, plateau, early stopping.
   *
   * @throws DivergedException if the loss is not finite
   */
  public TrainingState afterEvaluation(TrainingConfig config, double lossNatsPerToken) {
    if (!Double.isFinite(lossNatsPerToken)) {
      throw new DivergedException(
          "Cannot go on training: the validation loss is %s after round %d (step %d)"
              .formatted(lossNatsPerToken, round, step));
    }
    AveragingTrigger next = trigger.after(config.optimizer(), step, lossNatsPerToken);
    if (lossNatsPerToken < bestLoss) {
      return withEvaluation(lossNatsPerToken, step, plateauFactor, 0, 0, next);
    }
    int waited = plateauEvaluations + 1;
    ScheduleConfig schedule = config.schedule();
    boolean lower = schedule.kind() == ScheduleConfig.Kind.PLATEAU && waited > schedule.patience();
    return withEvaluation(
        bestLoss,
        bestStep,
        lower ? plateauFactor * schedule.factor() : plateauFactor,
        evaluationsWithoutImprovement + 1,
        lower ? 0 : waited,
        next);
  }

  /**
   * Whether the average of the parameters, the first of the moments, stands for them: it is
   * evaluated and saved as the model.
   */
  public boolean averagesParameters(TrainingConfig config) {
    return switch (config.optimizer().kind()) {
      case ASGD -> step > 0;
      case NT_ASGD -> trigger.isPulled() && step > trigger.from();
      default -> false;
    };
  }

  /** Whether the last round ended an epoch. */
  public boolean epochEnded() {
    return step > 0 && beginsEpoch();
  }

  /** Whether the best validation loss is that of the present parameters. */
  public boolean isBest() {
    return step > 0 && bestStep == step;
  }

  /** Whether to evaluate after this round: at the end of every epoch and every so many rounds. */
  public boolean evaluationDue(TrainingConfig config) {
    int every = config.evaluation().everyRounds();
    return epochEnded() || (every > 0 && round % every == 0);
  }

  /**
   * Whether to write a checkpoint after this round and its evaluation: at the end of every epoch,
   * every so many rounds, and when a best one is kept and this is it. The end of a run needs one
   * too.
   */
  public boolean checkpointDue(TrainingConfig config) {
    int every = config.checkpoint().everyRounds();
    return epochEnded()
        || (every > 0 && round % every == 0)
        || (config.checkpoint().keepBest() && isBest());
  }

  /** Why the run ends here; empty if it goes on. Time and signals are the trainer's business. */
  public Optional<End> end(TrainingConfig config) {
    int patience = config.training().patience();
    long maxRounds = config.training().maxRounds();
    long maxTokens = config.training().maxTokens();
    if (epoch >= config.training().epochs()) {
      return Optional.of(End.EPOCHS);
    }
    if (patience > 0 && evaluationsWithoutImprovement >= patience) {
      return Optional.of(End.PATIENCE);
    }
    if (maxRounds > 0 && round >= maxRounds) {
      return Optional.of(End.MAX_ROUNDS);
    }
    if (maxTokens > 0 && tokens >= maxTokens) {
      return Optional.of(End.MAX_TOKENS);
    }
    return Optional.empty();
  }

  private TrainingState withPlan(Plan next) {
    return new TrainingState(
        step,
        round,
        epoch,
        stepInEpoch,
        timeInEpoch,
        tokens,
        next,
        bestLoss,
        bestStep,
        plateauFactor,
        evaluationsWithoutImprovement,
        plateauEvaluations,
        trigger);
  }

  private TrainingState withEvaluation(
      double loss,
      long lossStep,
      double factor,
      int withoutImprovement,
      int waited,
      AveragingTrigger nextTrigger) {
    return new TrainingState(
        step,
        round,
        epoch,
        stepInEpoch,
        timeInEpoch,
        tokens,
        plan,
        loss,
        lossStep,
        factor,
        withoutImprovement,
        waited,
        nextTrigger);
  }

  /** The bytes of {@code state.json}. */
  public byte[] toJson() {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("step", step);
    fields.put("round", round);
    fields.put("epoch", epoch);
    fields.put("step_in_epoch", stepInEpoch);
    fields.put("time_in_epoch", timeInEpoch);
    fields.put("tokens", tokens);
    trigger.addTo(fields);
    fields.put("plateau_factor", plateauFactor);
    fields.put("evaluations_without_improvement", evaluationsWithoutImprovement);
    fields.put("plateau_evaluations", plateauEvaluations);
    if (bestStep > 0) {
      fields.put("best_loss_nats_per_token", bestLoss);
      fields.put("best_step", bestStep);
    }
    Map<String, Object> planFields = new TreeMap<>();
    planFields.put(plan.unit().word(), plan.tokens());
    if (plan.first() > 0 || !plan.endsEpoch()) {
      planFields.put("first", plan.first());
      planFields.put("end", plan.end());
    }
    planFields.put("replicas", plan.replicas());
    planFields.put("streams", plan.streams());
    planFields.put("window", plan.window());
    fields.put("plan", planFields);
    return Json.bytes(fields);
  }

  /**
   * Reads {@link #toJson}.
   *
   * @param path the file to name in a message
   */
  public static TrainingState fromJson(byte[] bytes, String path) throws CorruptFileException {
    JsonObject fields = Json.parse(bytes, path);
    JsonObject planFields = fields.object("plan");
    boolean ofSequences = planFields.has(Plan.Unit.SEQUENCES.word());
    Plan.Unit unit = ofSequences ? Plan.Unit.SEQUENCES : Plan.Unit.TOKENS;
    long planTokens = counter(planFields, unit.word());
    boolean ofPart = planFields.has("first");
    long first = ofPart ? counter(planFields, "first") : 0;
    long end = ofPart ? counter(planFields, "end") : planTokens;
    if (first > end || end > planTokens) {
      throw planFields.wrong("end", "at least first and at most " + planTokens);
    }
    Plan plan =
        new Plan(
            planTokens,
            first,
            end,
            planFields.smallInteger("replicas", 1),
            planFields.smallInteger("streams", 1),
            planFields.smallInteger("window", 1),
            unit);
    boolean evaluated = fields.has("best_step");
    long stepInEpoch = counter(fields, "step_in_epoch");
    TrainingState state =
        new TrainingState(
            counter(fields, "step"),
            counter(fields, "round"),
            fields.smallInteger("epoch", 0),
            stepInEpoch,
            fields.has("time_in_epoch") // older checkpoints know fixed windows only
                ? counter(fields, "time_in_epoch")
                : unit == Plan.Unit.TOKENS ? stepInEpoch * plan.window() : stepInEpoch,
            counter(fields, "tokens"),
            plan,
            evaluated ? fields.number("best_loss_nats_per_token") : Double.POSITIVE_INFINITY,
            evaluated ? fields.integer("best_step", 1) : 0,
            fields.number("plateau_factor"),
            fields.smallInteger("evaluations_without_improvement", 0),
            fields.smallInteger("plateau_evaluations", 0),
            AveragingTrigger.of(fields));
    if (state.bestStep > state.step) {
      throw fields.wrong("best_step", "at most " + state.step);
    }
    if (evaluated && !(state.bestLoss >= 0 && Double.isFinite(state.bestLoss))) {
      throw fields.wrong("best_loss_nats_per_token", "finite and not negative");
    }
    if (!(state.plateauFactor >= 0 && state.plateauFactor <= 1)) {
      throw fields.wrong("plateau_factor", "at least 0 and at most 1");
    }
    return state;
  }

  /** What no run can count beyond; products with it must not overflow. */
  private static long counter(JsonObject fields, String name) throws CorruptFileException {
    long value = fields.integer(name, 0);
    if (value > MOST_TOKENS) {
      throw fields.wrong(name, "at most " + MOST_TOKENS);
    }
    return value;
  }
}
