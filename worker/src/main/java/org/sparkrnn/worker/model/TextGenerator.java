package org.sparkrnn.worker.model;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntConsumer;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.random.PhiloxKey;

/**
 * Draws a text from a model, token by token. A function of parameters, prompt and {@link Sampling}:
 * the same on every machine.
 */
public final class TextGenerator implements AutoCloseable {
  private final LanguageModel model;
  private final Sampling sampling;
  private final PhiloxKey random;
  private final float[] logits;
  private final double[] weights;
  private final Integer[] order;
  private long drawn;

  public TextGenerator(ModelSpec spec, Kernel kernel, float[] parameters, Sampling sampling) {
    this.model = LanguageModel.forGeneration(spec, kernel);
    model.setParameters(parameters);
    this.sampling = sampling;
    this.random = PhiloxKey.sampling(sampling.seed());
    this.logits = new float[spec.vocabulary()];
    this.weights = new double[spec.vocabulary()];
    this.order = new Integer[spec.vocabulary()];
    Arrays.setAll(order, index -> index);
  }

  /**
   * The text that a model continues a prompt with, the prompt left out.
   *
   * @param length tokens to draw
   * @throws org.sparkrnn.common.errors.BadInputException if a part of the prompt is not in the
   *     vocabulary
   */
  public static String continueText(
      ModelSpec spec,
      Kernel kernel,
      float[] parameters,
      Vocabulary vocabulary,
      String prompt,
      int length,
      Sampling sampling) {
    TokenText text = new TokenText(vocabulary);
    StringBuilder continuation = new StringBuilder();
    try (TextGenerator generator = new TextGenerator(spec, kernel, parameters, sampling)) {
      generator.generate(text.prompt(prompt), length, token -> text.append(continuation, token));
    }
    return continuation.toString();
  }

  /** The words, or characters, of a prompt that the vocabulary does not have, each once. */
  public static List<String> unknown(Vocabulary vocabulary, String prompt) {
    return new TokenText(vocabulary).unknown(prompt);
  }

  /**
   * Reads a prompt and draws what follows; a second call continues the first.
   *
   * @param prompt at least one token
   */
  public void generate(int[] prompt, int length, IntConsumer tokens) {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("Cannot continue an empty prompt");
    }
    for (int token : prompt) {
      model.predict(token, logits);
    }
    for (int i = 0; i < length; i++) {
      int token = choose();
      tokens.accept(token);
      model.predict(token, logits);
    }
  }

  private int choose() {
    Arrays.sort(order, Comparator.comparingDouble((Integer v) -> -logits[v]).thenComparing(v -> v));
    if (sampling.temperature() == 0) {
      drawn++;
      return order[0];
    }
    int candidates = sampling.topK() == 0 ? order.length : Math.min(sampling.topK(), order.length);
    double largest = logits[order[0]];
    double sum = 0;
    for (int i = 0; i < candidates; i++) {
      weights[i] = StrictMath.exp((logits[order[i]] - largest) / sampling.temperature());
      sum += weights[i];
    }
    double kept = 0;
    int count = 0;
    while (count < candidates && (count == 0 || kept < sampling.topP() * sum)) {
      kept += weights[count++];
    }
    double threshold = random.uniform(drawn++) * kept;
    double cumulative = 0;
    for (int i = 0; i < count; i++) {
      cumulative += weights[i];
      if (threshold < cumulative) {
        return order[i];
      }
    }
    return order[count - 1];
  }

  @Override
  public void close() {
    model.close();
  }
}
