package org.sparkrnn.driver.rounds;

import java.util.SortedMap;
import java.util.TreeMap;
import org.sparkrnn.common.config.OuterConfig;

/**
 * What the driver does with the average A of the replicas that all began at {@code start}.
 *
 * <pre>
 *   average              w = A                                     next start = w
 *   nesterov(lr, mu)     m ← mu·m + (A − start)   w ← w + lr·m     next start = w + lr·mu·m
 * </pre>
 *
 * <p>At lr = 1 the next start is A + mu·(A − the average before), block momentum in its Nesterov
 * form (BMUF-NBM, Chen and Huo 2016). DiLoCo (Douillard et al. 2023) is lr = 0.7, mu = 0.9: its
 * parameters are the look-ahead w + lr·mu·m of this form, where ours, like BMUF's, are w. SlowMo
 * (Wang et al. 2020) has no look-ahead and counts momentum in units of the learning rate; the
 * latter is what {@link #afterLearningRate} does. With mu = 0 and lr = 1 the two kinds agree.
 *
 * <p>State between rounds: w and, for {@code nesterov}, m and the next start, all in float32 as
 * they are in a checkpoint; each step computes in double. Immutable, and nobody may write to the
 * arrays: in local mode they are the values of broadcasts.
 */
final class OuterOptimizer {
  static final String MOMENTUM = "momentum";
  static final String START = "start";

  private final OuterConfig config;
  private final float[] parameters;
  private final float[] velocity;
  private final float[] start;

  private OuterOptimizer(OuterConfig config, float[] parameters, float[] velocity, float[] start) {
    if (isNesterov(config)
        && (velocity.length != parameters.length || start.length != parameters.length)) {
      throw new IllegalArgumentException(
          "Cannot take outer steps with %d and %d values of state for %d parameters"
              .formatted(velocity.length, start.length, parameters.length));
    }
    this.config = config;
    this.parameters = parameters;
    this.velocity = velocity;
    this.start = start;
  }

  /** At the start of a run: no momentum. */
  static OuterOptimizer start(OuterConfig config, float[] parameters) {
    float[] velocity = new float[isNesterov(config) ? parameters.length : 0];
    return new OuterOptimizer(config, parameters, velocity, parameters);
  }

  /** From a checkpoint's parameters and {@link #state}. */
  static OuterOptimizer restore(
      OuterConfig config, float[] parameters, SortedMap<String, float[]> state) {
    float[] none = new float[0];
    return isNesterov(config)
        ? new OuterOptimizer(
            config, parameters, state.getOrDefault(MOMENTUM, none), state.getOrDefault(START, none))
        : start(config, parameters);
  }

  /** After the outer step from the average of the replicas. */
  OuterOptimizer step(float[] average) {
    if (average.length != parameters.length) {
      throw new IllegalArgumentException(
          "Cannot average %d values into %d parameters"
              .formatted(average.length, parameters.length));
    }
    if (!isNesterov(config)) {
      return start(config, average);
    }
    double rate = config.learningRate();
    float[] next = new float[average.length];
    float[] nextVelocity = new float[average.length];
    float[] nextStart = new float[average.length];
    for (int i = 0; i < average.length; i++) {
      double m = config.momentum() * velocity[i] + ((double) average[i] - start[i]);
      double w = parameters[i] + rate * m;
      next[i] = (float) w;
      nextVelocity[i] = (float) m;
      nextStart[i] = (float) (w + rate * config.momentum() * m);
    }
    return new OuterOptimizer(config, next, nextVelocity, nextStart);
  }

  /**
   * After the replicas' learning rate went from one value to another: if it fell, the momentum,
   * which was collected from longer steps, shrinks in proportion, and the start moves accordingly.
   */
  OuterOptimizer afterLearningRate(double before, double after) {
    if (!isNesterov(config) || after >= before) {
      return this;
    }
    double ratio = after / before;
    double lookAhead = config.learningRate() * config.momentum();
    float[] shrunk = new float[velocity.length];
    float[] nextStart = new float[velocity.length];
    for (int i = 0; i < shrunk.length; i++) {
      shrunk[i] = (float) (ratio * velocity[i]);
      nextStart[i] = (float) (parameters[i] + lookAhead * shrunk[i]);
    }
    return new OuterOptimizer(config, parameters, shrunk, nextStart);
  }

  /** w: what is evaluated and saved. */
  float[] parameters() {
    return parameters;
  }

  /** Where the replicas of the next round begin. */
  float[] start() {
    return start;
  }

  /** The names that {@link #state} has. */
  static String[] stateNames(OuterConfig config) {
    return isNesterov(config) ? new String[] {MOMENTUM, START} : new String[0];
  }

  /** What a checkpoint keeps beside the parameters, by name; empty for plain averaging. */
  SortedMap<String, float[]> state() {
    SortedMap<String, float[]> state = new TreeMap<>();
    if (isNesterov(config)) {
      state.put(MOMENTUM, velocity);
      state.put(START, start);
    }
    return state;
  }

  private static boolean isNesterov(OuterConfig config) {
    return config.kind() == OuterConfig.Kind.NESTEROV;
  }
}
