package org.sparkrnn.worker.training;

import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.CorpusManifest;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.corpus.ShardWriter;
import org.sparkrnn.common.corpus.Split;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.storage.Files;

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

  /** A word of the settings. */
  static String text(Enum<?> word) {
    return word.name().toLowerCase(Locale.ROOT).replace('_', '-');
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

  /** The same text with its tokens numbered by how often they occur, as tokenize does. */
  static int[] byFrequency(int[] tokens) {
    int[] counts = new int[VOCABULARY];
    for (int token : tokens) {
      counts[token]++;
    }
    List<Integer> order = new ArrayList<>();
    for (int v = 0; v < VOCABULARY; v++) {
      order.add(v);
    }
    order.sort(Comparator.comparingInt(v -> -counts[v]));
    return Arrays.stream(tokens).map(order::indexOf).toArray();
  }

  /** Writes a corpus of characters a, b, … with those splits. */
  static CorpusReader corpus(Files files, String path, int[] train, int[] valid)
      throws IOException {
    List<String> characters = new ArrayList<>();
    for (int i = 0; i < VOCABULARY; i++) {
      characters.add(Character.toString('a' + i));
    }
    Vocabulary vocabulary = Vocabulary.of(Unit.CHAR, characters);
    try (OutputStream out = files.create(Files.join(path, Vocabulary.FILE))) {
      out.write(vocabulary.toJson());
    }
    CorpusManifest manifest =
        CorpusManifest.of(
            vocabulary,
            Map.of(
                "train", split(files, path, "train", train),
                "valid", split(files, path, "valid", valid)));
    manifest.write(files, path);
    return new CorpusReader(files, path);
  }

  private static Split split(Files files, String path, String name, int[] tokens)
      throws IOException {
    try (ShardWriter writer =
        new ShardWriter(files, path, name + "/shard-00000.npy", VOCABULARY, tokens.length)) {
      writer.write(tokens, 0, tokens.length);
      return new Split(0, List.of(writer.finish()));
    }
  }

  static TokenSource source(int[] tokens) {
    return (first, target, from, count) ->
        System.arraycopy(tokens, Math.toIntExact(first), target, from, count);
  }
}
