package org.sparkrnn.worker.training;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.sparkrnn.common.config.TrainingConfig;

/** Small runs for tests: a made-up text and the settings to train on it. */
final class Runs {
  static final int VOCABULARY = 11;

  private Runs() {}

  /** Settings of a model that trains in milliseconds; later ones win. */
  static TrainingConfig config(String... settings) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "model.layers=2",
                "model.hidden=9",
                "model.embedding=6",
                "batch.streams=3",
                "batch.window=5",
                "optimizer.kind=sgd",
                "optimizer.learning-rate=0.5",
                "training.epochs=2",
                "round.local-steps=4",
                "kernel.choice=java"));
    all.addAll(List.of(settings));
    return TrainingConfig.load("", all);
  }

  /** Text in which a token depends on the one before it. */
  static int[] tokens(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int[] tokens = new int[count];
    for (int i = 1; i < count; i++) {
      tokens[i] =
          random.nextInt(4) == 0
              ? random.nextInt(VOCABULARY)
              : (tokens[i - 1] * 3 + 1) % VOCABULARY;
    }
    return tokens;
  }

  static TokenSource source(int[] tokens) {
    return (first, target, from, count) ->
        System.arraycopy(tokens, Math.toIntExact(first), target, from, count);
  }
}
