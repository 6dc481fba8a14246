package org.sparkrnn.worker.training;

import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.sparkrnn.common.config.OptimizerConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.errors.DivergedException;
import org.sparkrnn.common.sequences.SequenceSource;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.model.TrainableModel;

/**
 * Trains one replica for one round: truncated back-propagation through time over its rows, or
 * through whole sequences, one update per window or batch. A pure function of its arguments; what
 * they hold is not written to.
 */
public final class ReplicaTrainer {
  private final TrainingConfig config;
  private final Plan plan;
  private final ReplicaTask task;
  private final LocalSteps local;
  private final TrainableModel model;
  private final LocalOptimizer optimizer;
  private final Windows windows;
  private final Schedule schedule;
  private final long plannedTokens;

  private ReplicaTrainer(TrainingConfig config, Plan plan, ReplicaTask task, LocalSteps local) {
    this.config = config;
    this.plan = plan;
    this.task = task;
    this.local = local;
    this.model = local.model();
    this.optimizer = new LocalOptimizer(config.optimizer(), config.clipping(), model);
    this.windows = Windows.of(config);
    this.schedule = new Schedule(config);
    this.plannedTokens = plan.trainedTokens();
  }

  /**
   * Runs a task of a language model.
   *
   * @param cancelled asked between windows; the task is then given up
   * @return the parameters after its last step (the very ones it was given if it takes none), what
   *     the replica carries to its next round, and what it observed
   * @throws DivergedException if a loss or a gradient is not finite
   * @throws CancellationException if cancelled
   */
  public static ReplicaResult run(
      TrainingConfig config,
      ModelSpec spec,
      Kernel kernel,
      Plan plan,
      ReplicaTask task,
      float[] parameters,
      ReplicaState state,
      TokenSource tokens,
      BooleanSupplier cancelled)
      throws IOException {
    return run(
        config,
        spec,
        kernel,
        plan,
        task,
        parameters,
        state,
        hidden -> new WindowSteps(config, spec, kernel, plan, task.replica(), hidden, tokens),
        cancelled);
  }

  /** As {@link #run}, of a model of sequences. */
  public static ReplicaResult runSequences(
      TrainingConfig config,
      ModelSpec spec,
      Kernel kernel,
      Plan plan,
      ReplicaTask task,
      float[] parameters,
      ReplicaState state,
      SequenceSource sequences,
      BooleanSupplier cancelled)
      throws IOException {
    return run(
        config,
        spec,
        kernel,
        plan,
        task,
        parameters,
        state,
        hidden -> new SequenceSteps(config, spec, kernel, plan, task, sequences),
        cancelled);
  }

  private static ReplicaResult run(
      TrainingConfig config,
      ModelSpec spec,
      Kernel kernel,
      Plan plan,
      ReplicaTask task,
      float[] parameters,
      ReplicaState state,
      Function<float[], LocalSteps> steps,
      BooleanSupplier cancelled)
      throws IOException {
    long startNanos = System.nanoTime();
    ReplicaState start = startOf(config, spec, plan, task, state);
    if (task.firstTime() >= plan.row(task.replica())) {
      return new ReplicaResult(
          parameters,
          start,
          new ReplicaStatistics(0, 0, 0, 0, 0, 0, System.nanoTime() - startNanos, kernel.name()));
    }
    try (LocalSteps local = steps.apply(start.hidden())) {
      TrainableModel model = local.model();
      model.setParameters(parameters);
      for (int i = 0; i < start.moments().length / parameters.length; i++) {
        model.moments().get(i).write(start.moments(), i * parameters.length);
      }
      return new ReplicaTrainer(config, plan, task, local)
          .run(start.optimizerSteps(), startNanos, cancelled);
    }
  }

  /** Vectors of the parameters' size in a replica's moments. */
  public static int momentVectors(TrainingConfig config) {
    return LocalOptimizer.momentNames(config.optimizer().kind()).size();
  }

  private ReplicaResult run(long updatesBefore, long startNanos, BooleanSupplier cancelled)
      throws IOException {
    long updates = updatesBefore;
    long trainedTokens = 0;
    double lossSumNats = 0;
    int steps = 0;
    double normSum = 0;
    double normMax = 0;
    long clippedSteps = 0;
    long first = task.firstTime();
    while (steps < task.steps() && first < plan.row(task.replica())) {
      long step = task.globalStepBase() + steps;
      if (cancelled.getAsBoolean()) {
        throw new CancellationException(
            "Cannot finish round %d of replica %d: it was cancelled at step %d"
                .formatted(task.round() + 1, task.replica(), task.globalStepBase() + steps));
      }
      LocalSteps.Trained trained = local.train(task.firstStep() + steps, first, masks(step));
      double norm = optimizer.measure();
      requireFinite("loss", trained.lossSum(), steps);
      requireFinite("gradient norm", norm, steps);
      updates++;
      optimizer.step(learningRate(first) * windows.rateFactor(step), averagingStep(step, updates));
      model.pack();
      local.updated();

      first += windows.length(step);
      steps++;
      trainedTokens += trained.predictions();
      lossSumNats += trained.lossSum();
      normSum += norm;
      normMax = Math.max(normMax, norm);
      clippedSteps += optimizer.clipped() ? 1 : 0;
    }
    ReplicaState end =
        new ReplicaState(local.hidden(), keepsMoments(config) ? moments() : new float[0], updates);
    return new ReplicaResult(
        model.parameters().toArray(),
        keepsMoments(config) ? end : end.withMoments(new float[0], 0),
        new ReplicaStatistics(
            trainedTokens,
            lossSumNats,
            steps,
            normSum,
            normMax,
            clippedSteps,
            System.nanoTime() - startNanos,
            model.kernel().name()));
  }

  private LanguageModel.Masks masks(long step) {
    return new LanguageModel.Masks(config.training().seed(), step, task.replica());
  }

  /** Which update of its moments a step is, from 1; for NT-ASGD 0 before it averages. */
  private long averagingStep(long step, long updates) {
    if (config.optimizer().kind() != OptimizerConfig.Kind.NT_ASGD) {
      return updates;
    }
    boolean averages = task.averagingFrom() != AveragingTrigger.NOT_YET;
    return averages ? step + 1 - task.averagingFrom() : 0;
  }

  private double learningRate(long first) {
    long trained = plan.tokensTo(first);
    return schedule.learningRate(
        task.epoch(),
        task.tokensBase() + trained,
        plan.epochShare((double) trained / plannedTokens),
        task.plateauFactor());
  }

  private void requireFinite(String what, double value, int stepsDone) {
    if (!Double.isFinite(value)) {
      throw new DivergedException(
          ("Cannot go on training: the %s is %s in round %d, replica %d, local step %d (epoch %d);"
                  + " lower optimizer.learning-rate or set clipping.norm")
              .formatted(
                  what,
                  value,
                  task.round() + 1,
                  task.replica(),
                  task.globalStepBase() + stepsDone + 1,
                  task.epoch() + 1));
    }
  }

  private float[] moments() {
    int size = model.layout().size();
    float[] moments = new float[Math.multiplyExact(model.moments().size(), size)];
    int from = 0;
    for (Matrix vector : model.moments()) {
      vector.read(moments, from);
      from += size;
    }
    return moments;
  }

  private static boolean keepsMoments(TrainingConfig config) {
    return config.optimizer().state() != OptimizerConfig.State.RESET;
  }

  /** The state a task starts from, with zeros written out, so that a checkpoint has them all. */
  private static ReplicaState startOf(
      TrainingConfig config, ModelSpec spec, Plan plan, ReplicaTask task, ReplicaState state) {
    int hiddenFloats = spec.stateFloats(plan.streams());
    boolean fresh = task.firstStep() == 0 || state.hidden().length == 0;
    float[] hidden = fresh ? new float[hiddenFloats] : state.hidden();
    if (!keepsMoments(config)) {
      return new ReplicaState(hidden, new float[0], 0);
    }
    int momentFloats = Math.multiplyExact(momentVectors(config), spec.layout().size());
    float[] moments = state.moments().length == 0 ? new float[momentFloats] : state.moments();
    if (hidden.length != hiddenFloats || moments.length != momentFloats) {
      throw new IllegalArgumentException(
          "Cannot continue replica %d: its state has %d hidden and %d moment values, not %d and %d"
              .formatted(
                  task.replica(), hidden.length, moments.length, hiddenFloats, momentFloats));
    }
    return new ReplicaState(hidden, moments, state.optimizerSteps());
  }
}
