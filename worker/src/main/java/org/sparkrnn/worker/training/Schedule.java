package org.sparkrnn.worker.training;

import org.sparkrnn.common.config.ScheduleConfig;
import org.sparkrnn.common.config.TrainingConfig;

/**
 * The learning rate, a function of epoch and global tokens only, so that it does not depend on how
 * steps are grouped into rounds.
 *
 * <ul>
 *   <li>{@code step}: rate · factor^max(0, epoch + 1 − constant-epochs), epochs from 0, as
 *       TensorFlow's version of Zaremba et al. 2014
 *   <li>{@code cosine}: from the rate to {@code min-learning-rate} at {@code training.epochs}
 *       (Loshchilov and Hutter 2017, without restarts), over tokens
 *   <li>{@code plateau}: rate · the factor that {@link TrainingState} carries
 * </ul>
 *
 * All rise linearly over the first {@code warmup-tokens}: times (tokens + 1) / warmup-tokens, where
 * tokens is what all replicas had trained on before the step.
 */
public final class Schedule {
  private final ScheduleConfig config;
  private final double rate;
  private final int epochs;

  public Schedule(TrainingConfig config) {
    this.config = config.schedule();
    this.rate = config.optimizer().learningRate();
    this.epochs = config.training().epochs();
  }

  /**
   * The rate of a step.
   *
   * @param tokens of the run before the step
   * @param epochShare how much of the epoch is over
   */
  public double learningRate(int epoch, long tokens, double epochShare, double plateauFactor) {
    double full =
        switch (config.kind()) {
          case CONSTANT -> rate;
          case STEP -> rate * power(config.factor(), epoch + 1L - config.constantEpochs());
          case COSINE -> cosine((epoch + epochShare) / epochs);
          case PLATEAU -> Math.min(rate, Math.max(rate * plateauFactor, config.minLearningRate()));
        };
    long warmup = config.warmupTokens();
    return tokens + 1 < warmup ? full * ((tokens + 1.0) / warmup) : full;
  }

  private double cosine(double progress) {
    double height = (1 + StrictMath.cos(StrictMath.PI * Math.min(1, progress))) / 2;
    double end = Math.min(rate, config.minLearningRate());
    return end + (rate - end) * height;
  }

  private static double power(double factor, long exponent) {
    double power = 1;
    for (long i = 0; i < exponent; i++) {
      power *= factor;
    }
    return power;
  }
}
