package org.sparkrnn.driver.rounds;

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
 * latter is what {@link #learningRateIs} does. With mu = 0 and lr = 1 the two kinds agree.
 *
 * <p>State between rounds: w and, for {@code nesterov}, m, the next start and the learning rate
 * that m belongs to, all in float32 as they are in a checkpoint; each step computes in double.
 */
public final class OuterOptimizer {
  private final boolean nesterov;
  private final double learningRate;
  private final double momentum;
  private float[] parameters;
  private float[] velocity;
  private float[] start;
  private float innerLearningRate;

  private OuterOptimizer(
      boolean nesterov, double learningRate, double momentum, float[] parameters) {
    this.nesterov = nesterov;
    this.learningRate = learningRate;
    this.momentum = momentum;
    this.parameters = parameters;
    this.velocity = nesterov ? new float[parameters.length] : new float[0];
    this.start = nesterov ? parameters.clone() : parameters;
  }

  /** Plain averaging, from these parameters. */
  public static OuterOptimizer average(float[] parameters) {
    return new OuterOptimizer(false, 1, 0, parameters);
  }

  /** Nesterov momentum over the averages, from these parameters and no momentum. */
  public static OuterOptimizer nesterov(double learningRate, double momentum, float[] parameters) {
    return new OuterOptimizer(true, learningRate, momentum, parameters);
  }

  /** Whether there is state beside the parameters. */
  public boolean hasState() {
    return nesterov;
  }

  /**
   * Continues from a checkpoint's outer state; the arrays are kept.
   *
   * @param innerLearningRate the learning rate that {@code velocity} belongs to; 0 before a round
   */
  public void restore(float[] velocity, float[] start, float innerLearningRate) {
    if (velocity.length != parameters.length || start.length != parameters.length) {
      throw new IllegalArgumentException(
          "Cannot restore outer state of %d and %d values for %d parameters"
              .formatted(velocity.length, start.length, parameters.length));
    }
    this.velocity = velocity;
    this.start = start;
    this.innerLearningRate = innerLearningRate;
  }

  /**
   * Tells the replicas' learning rate of the round that comes. If it fell, the momentum, which was
   * collected from longer steps, shrinks in proportion, and the start moves accordingly.
   */
  public void learningRateIs(double next) {
    float rate = (float) next;
    if (nesterov && rate < innerLearningRate) {
      double ratio = (double) rate / innerLearningRate;
      float[] shrunk = new float[velocity.length];
      float[] nextStart = new float[velocity.length];
      for (int i = 0; i < shrunk.length; i++) {
        shrunk[i] = (float) (ratio * velocity[i]);
        nextStart[i] = (float) (parameters[i] + learningRate * momentum * shrunk[i]);
      }
      velocity = shrunk; // new arrays: in local mode the old ones may still be a broadcast's value
      start = nextStart;
    }
    innerLearningRate = rate;
  }

  /** Takes the outer step from the average of the replicas, whose array is kept. */
  public void step(float[] average) {
    if (average.length != parameters.length) {
      throw new IllegalArgumentException(
          "Cannot average %d values into %d parameters"
              .formatted(average.length, parameters.length));
    }
    if (!nesterov) {
      parameters = average;
      start = average;
      return;
    }
    float[] next = new float[average.length];
    float[] nextStart = new float[average.length];
    float[] nextVelocity = new float[average.length];
    for (int i = 0; i < average.length; i++) {
      double m = momentum * velocity[i] + ((double) average[i] - start[i]);
      double w = parameters[i] + learningRate * m;
      next[i] = (float) w;
      nextVelocity[i] = (float) m;
      nextStart[i] = (float) (w + learningRate * momentum * m);
    }
    parameters = next;
    velocity = nextVelocity;
    start = nextStart;
  }

  /** w: what is evaluated and saved. Not to be changed. */
  public float[] parameters() {
    return parameters;
  }

  /** Where the replicas of the next round begin. Not to be changed. */
  public float[] start() {
    return start;
  }

  /** m; empty without state. Not to be changed. */
  public float[] velocity() {
    return velocity;
  }

  /** The learning rate that the velocity belongs to; 0 before the first round. */
  public float innerLearningRate() {
    return innerLearningRate;
  }
}
