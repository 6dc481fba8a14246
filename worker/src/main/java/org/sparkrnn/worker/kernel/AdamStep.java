package org.sparkrnn.worker.kernel;

/**
 * The coefficients of one step of Adam (Kingma and Ba 2015), in PyTorch's form: computed in double,
 * rounded once.
 *
 * @param rate {@code learningRate / (1 − beta1^step)}
 * @param complement1 {@code 1 − beta1}
 * @param complement2 {@code 1 − beta2}
 * @param rootCorrection {@code 1 / √(1 − beta2^step)}
 */
public record AdamStep(
    float rate,
    float beta1,
    float complement1,
    float beta2,
    float complement2,
    float rootCorrection,
    float epsilon) {

  /**
   * The coefficients of a step.
   *
   * @param step counted from 1, since the moments were zero
   */
  public static AdamStep at(
      long step, double learningRate, double beta1, double beta2, double epsilon) {
    if (step < 1) {
      throw new IllegalArgumentException("Cannot take step %d of Adam: first is 1".formatted(step));
    }
    double correction1 = 1 - StrictMath.pow(beta1, (double) step);
    double correction2 = 1 - StrictMath.pow(beta2, (double) step);
    return new AdamStep(
        (float) (learningRate / correction1),
        (float) beta1,
        (float) (1 - beta1),
        (float) beta2,
        (float) (1 - beta2),
        (float) (1 / StrictMath.sqrt(correction2)),
        (float) epsilon);
  }
}
