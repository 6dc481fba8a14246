package org.sparkrnn.worker.kernel;

/**
 * How one step of an optimizer changes parameters p from the transformed gradient g'; formulas in
 * docs/numerics.md, section 8. Coefficients are computed in double and rounded once.
 */
public sealed interface UpdateRule {

  /** Vectors of the parameters' size that it keeps. */
  int moments();

  /** In the order in which optimizers.c reads them. */
  float[] coefficients();

  /** {@code p = fma(−rate, g', p)}. */
  record Sgd(float rate) implements UpdateRule {
    @Override
    public int moments() {
      return 0;
    }

    @Override
    public float[] coefficients() {
      return new float[] {rate};
    }
  }

  /**
   * {@code p = fma(−rate, g', p·shrink); a = weight = 1 ? p : fma(weight, p − a, a)} (Polyak and
   * Juditsky 1992, PyTorch's form); the moment is a, the average of the parameters.
   *
   * @param shrink {@code 1 − lambda·rate}
   * @param weight of the new parameters in the average
   */
  record AveragedSgd(float rate, float shrink, float weight) implements UpdateRule {
    @Override
    public int moments() {
      return 1;
    }

    @Override
    public float[] coefficients() {
      return new float[] {rate, shrink, weight};
    }

    /**
     * PyTorch's ASGD.
     *
     * @param step counted from 1
     * @param lambda how fast the parameters shrink and, with {@code alpha}, the rate falls
     * @param averagingStart step from which on parameters are averaged
     */
    public static AveragedSgd of(
        long step, double learningRate, double lambda, double alpha, long averagingStart) {
      double rate =
          learningRate / StrictMath.pow(1 + lambda * learningRate * (double) (step - 1), alpha);
      double weight = 1.0 / Math.max(1, step - 1 - averagingStart);
      return new AveragedSgd((float) rate, (float) (1 - lambda * rate), (float) weight);
    }
  }

  /** {@code v = fma(momentum, v, g'); p = fma(−rate, v, p)} (Polyak 1964, PyTorch's form). */
  record Momentum(float rate, float momentum) implements UpdateRule {
    @Override
    public int moments() {
      return 1;
    }

    @Override
    public float[] coefficients() {
      return new float[] {rate, momentum};
    }
  }

  /**
   * {@code s = fma(decay, s, (complement·g')·g'); p = p − (rate·g')/(√s + epsilon)}: RMSProp
   * (Tieleman and Hinton 2012); AdaGrad (Duchi et al. 2011) where both factors are 1.
   */
  record RmsProp(float rate, float decay, float complement, float epsilon) implements UpdateRule {
    @Override
    public int moments() {
      return 1;
    }

    @Override
    public float[] coefficients() {
      return new float[] {rate, decay, complement, epsilon};
    }

    public static RmsProp of(double rate, double decay, double epsilon) {
      return new RmsProp((float) rate, (float) decay, (float) (1 - decay), (float) epsilon);
    }

    public static RmsProp adaGrad(double rate, double epsilon) {
      return new RmsProp((float) rate, 1f, 1f, (float) epsilon);
    }
  }

  /**
   * {@code s = fma(decay, s, (complement·g')·g'); d = (√(u + epsilon)/√(s + epsilon))·g'; u =
   * fma(decay, u, (complement·d)·d); p = fma(−rate, d, p)} (Zeiler 2012, PyTorch's form); the
   * moments are s and u.
   */
  record AdaDelta(float rate, float decay, float complement, float epsilon) implements UpdateRule {
    @Override
    public int moments() {
      return 2;
    }

    @Override
    public float[] coefficients() {
      return new float[] {rate, decay, complement, epsilon};
    }

    public static AdaDelta of(double rate, double decay, double epsilon) {
      return new AdaDelta((float) rate, (float) decay, (float) (1 - decay), (float) epsilon);
    }
  }

  /**
   * {@code m = fma(beta1, m, complement1·g'); s = fma(beta2, s, (complement2·g')·g'); p = p·shrink
   * − fma(gradientRate, g', rate·m)/fma(√s, rootCorrection, epsilon)}: Adam (Kingma and Ba 2015),
   * AdamW (Loshchilov and Hutter 2019) and NAdam (Dozat 2016), each in PyTorch's form.
   *
   * @param rate of the mean
   * @param gradientRate of the gradient itself; 0 but for NAdam
   * @param rootCorrection {@code 1 / √(1 − beta2^step)}
   * @param shrink {@code 1 − learning rate·weight decay}; 1 but for AdamW
   */
  record Adam(
      float rate,
      float gradientRate,
      float beta1,
      float complement1,
      float beta2,
      float complement2,
      float rootCorrection,
      float epsilon,
      float shrink)
      implements UpdateRule {
    @Override
    public int moments() {
      return 2;
    }

    @Override
    public float[] coefficients() {
      return new float[] {
        rate, gradientRate, beta1, complement1, beta2, complement2, rootCorrection, epsilon, shrink
      };
    }

    /**
     * Adam, with decoupled weight decay where that is not 0.
     *
     * @param step counted from 1, since the moments were zero
     */
    public static Adam of(
        long step,
        double learningRate,
        double beta1,
        double beta2,
        double epsilon,
        double decoupledDecay) {
      requireStep(step);
      double rate = learningRate / (1 - StrictMath.pow(beta1, (double) step));
      return of(step, rate, 0, beta1, beta2, epsilon, 1 - learningRate * decoupledDecay);
    }

    /**
     * NAdam.
     *
     * @param step counted from 1, since the moments were zero
     * @param momentumDecay of the factor {@code mu_k = beta1·(1 − ½·0.96^(k·momentumDecay))}
     */
    public static Adam nesterov(
        long step,
        double learningRate,
        double beta1,
        double beta2,
        double epsilon,
        double momentumDecay) {
      requireStep(step);
      double product = 1; // of mu_1 to mu_step
      for (long k = 1; k <= step && 1 - product < 1; k++) {
        product *= momentumFactor(k, beta1, momentumDecay);
      }
      double now = momentumFactor(step, beta1, momentumDecay);
      double next = momentumFactor(step + 1, beta1, momentumDecay);
      double rate = learningRate * next / (1 - product * next);
      double gradientRate = learningRate * (1 - now) / (1 - product);
      return of(step, rate, gradientRate, beta1, beta2, epsilon, 1);
    }

    private static double momentumFactor(long k, double beta1, double momentumDecay) {
      return beta1 * (1 - 0.5 * StrictMath.pow(0.96, k * momentumDecay));
    }

    private static Adam of(
        long step,
        double rate,
        double gradientRate,
        double beta1,
        double beta2,
        double epsilon,
        double shrink) {
      return new Adam(
          (float) rate,
          (float) gradientRate,
          (float) beta1,
          (float) (1 - beta1),
          (float) beta2,
          (float) (1 - beta2),
          (float) (1 / StrictMath.sqrt(1 - StrictMath.pow(beta2, (double) step))),
          (float) epsilon,
          (float) shrink);
    }

    private static void requireStep(long step) {
      if (step < 1) {
        throw new IllegalArgumentException(
            "Cannot take step %d of Adam: the first is 1".formatted(step));
      }
    }
  }
}
