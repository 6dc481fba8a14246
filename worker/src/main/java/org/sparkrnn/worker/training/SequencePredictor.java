package org.sparkrnn.worker.training;

import java.io.IOException;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.sequences.SequenceSource;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.sequences.SequenceBatch;
import org.sparkrnn.worker.sequences.SequenceModel;

/** What a trained model makes of single sequences: the bits that it makes of them in any batch. */
public final class SequencePredictor implements AutoCloseable {
  private final ModelSpec spec;
  private final SequenceModel model;
  private final SequenceBatch batch;

  /** A predictor for sequences of up to {@code batch.window} steps. */
  public SequencePredictor(
      TrainingConfig config, ModelSpec spec, Kernel kernel, float[] parameters) {
    int steps = config.batch().window();
    this.spec = spec;
    this.batch = new SequenceBatch(spec, 1, steps);
    this.model = SequenceModel.forEvaluation(spec, kernel, 1, steps);
    model.setParameters(parameters);
  }

  /** Logits of a sequence of tokens, {@code [predictions, classes]}. */
  public float[] predict(int[] tokens) throws IOException {
    return run(new One(tokens.length, tokens, new float[0]));
  }

  /** Outputs for a sequence of steps of numbers, {@code [step, column]}. */
  public float[] predict(float[] values) throws IOException {
    return run(new One(values.length / spec.vocabulary(), new int[0], values));
  }

  private float[] run(One sequence) throws IOException {
    batch.fill(sequence, new long[] {0}, 1, false);
    model.predict(batch);
    float[] outputs = new float[batch.predictions() * spec.outputs()];
    model.outputs(batch.predictions(), outputs);
    return outputs;
  }

  /** The softmax of logits, in double. */
  public static double[] probabilities(float[] logits) {
    double largest = logits[largest(logits, 0, logits.length)];
    double[] probabilities = new double[logits.length];
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      probabilities[i] = StrictMath.exp(logits[i] - largest);
      sum += probabilities[i];
    }
    for (int i = 0; i < logits.length; i++) {
      probabilities[i] /= sum;
    }
    return probabilities;
  }

  /** Index of the first of the largest of some values, counted from {@code from}. */
  public static int largest(float[] values, int from, int count) {
    return SequenceEvaluator.largest(values, from, count);
  }

  @Override
  public void close() {
    model.close();
  }

  /** One sequence of which nothing is known but its steps. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record One(int steps, int[] tokens, float[] numbers) implements SequenceSource {
    @Override
    public long size() {
      return 1;
    }

    @Override
    public int length(long sequence) {
      return steps;
    }

    @Override
    public void tokens(long sequence, int[] target, int count) {
      System.arraycopy(tokens, 0, target, 0, count);
    }

    @Override
    public void values(long sequence, float[] target, int count) {
      System.arraycopy(numbers, 0, target, 0, numbers.length);
    }

    @Override
    public int label(long sequence) {
      throw unknown();
    }

    @Override
    public void tags(long sequence, int[] target, int count) {
      throw unknown();
    }

    @Override
    public void targets(long sequence, float[] target, int from) {
      throw unknown();
    }

    private static IllegalStateException unknown() {
      return new IllegalStateException("Cannot read what is still to be predicted");
    }
  }
}
