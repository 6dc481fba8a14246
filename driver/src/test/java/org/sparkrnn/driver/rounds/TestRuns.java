package org.sparkrnn.driver.rounds;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.CorpusManifest;
import org.sparkrnn.common.corpus.ShardWriter;
import org.sparkrnn.common.corpus.Split;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.storage.LocalFiles;

/** Small corpora and settings for tests of whole runs. */
public final class TestRuns {
  static final int VOCABULARY = 11;

  private TestRuns() {}

  /**
   * Writes a corpus whose tokens follow one another by a simple rule most of the time, so that
   * there is something to learn; the training split is cut into two shards.
   */
  public static Path corpus(Path folder, long seed, int trainTokens, int validTokens) {
    return corpus(folder, seed, halves(trainTokens), validTokens);
  }

  /** As {@link #corpus(Path, long, int, int)}, with the lengths of the training split's shards. */
  public static Path corpus(Path folder, long seed, List<Integer> trainShards, int validTokens) {
    System.out.println("corpus seed " + seed);
    Random random = new Random(seed);
    LocalFiles files = new LocalFiles();
    List<String> kinds = new ArrayList<>();
    for (int i = 0; i < VOCABULARY; i++) {
      kinds.add(String.valueOf((char) ('a' + i)));
    }
    Vocabulary vocabulary = Vocabulary.of(Unit.CHAR, kinds);
    try {
      try (OutputStream out = files.create(folder + "/" + Vocabulary.FILE)) {
        out.write(vocabulary.toJson());
      }
      Map<String, Split> splits = new TreeMap<>();
      splits.put("train", split(files, folder, "train", random, trainShards));
      if (validTokens > 0) {
        splits.put("valid", split(files, folder, "valid", random, halves(validTokens)));
      }
      CorpusManifest.of(vocabulary, splits).write(files, folder.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return folder;
  }

  /** Settings of a tiny model; later ones override. */
  public static TrainingConfig config(String corpus, Path run, Map<String, ?> settings) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("corpus.path", corpus);
    all.put("checkpoint.path", run);
    all.put("checkpoint.every-rounds", 1);
    all.put("checkpoint.keep-last", 1000);
    all.put("model.cell", "lstm");
    all.put("model.layers", 2);
    all.put("model.hidden", 6);
    all.put("model.embedding", 5);
    all.put("batch.streams", 3);
    all.put("batch.window", 4);
    all.put("optimizer.kind", "sgd");
    all.put("optimizer.learning-rate", 0.5);
    all.put("training.replicas", 2);
    all.put("training.epochs", 2);
    all.put("round.local-steps", 5);
    all.put("kernel.choice", "java");
    all.putAll(settings);
    return TrainingConfig.load(
        "", all.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList());
  }

  /**
   * What promise 1 compares: the checksums of all files of all checkpoints below a run, taken from
   * their manifests, by step.
   */
  static Map<String, String> manifests(Path run) throws IOException {
    Map<String, String> manifests = new TreeMap<>();
    try (Stream<Path> steps = Files.list(run)) {
      for (Path step : steps.filter(path -> path.toString().contains("step-")).toList()) {
        manifests.put(
            step.getFileName().toString(), Files.readString(step.resolve("manifest.json"), UTF_8));
      }
    }
    return manifests;
  }

  static List<String> metrics(Path run) throws IOException {
    return Files.readAllLines(run.resolve("metrics.jsonl"), UTF_8);
  }

  private static int[] tokens(Random random, int count) {
    int[] tokens = new int[count];
    int token = 0;
    for (int i = 0; i < count; i++) {
      token = random.nextInt(10) < 8 ? (token * 3 + 1) % VOCABULARY : random.nextInt(VOCABULARY);
      tokens[i] = token;
    }
    return tokens;
  }

  private static List<Integer> halves(int tokens) {
    return List.of(tokens / 2, tokens - tokens / 2);
  }

  private static Split split(
      LocalFiles files, Path folder, String name, Random random, List<Integer> lengths)
      throws IOException {
    int[] tokens = tokens(random, lengths.stream().mapToInt(Integer::intValue).sum());
    List<org.sparkrnn.common.corpus.Shard> shards = new ArrayList<>();
    int from = 0;
    for (int length : lengths) {
      shards.add(shard(files, folder, name, shards.size(), tokens, from, length));
      from += length;
    }
    return new Split(0, shards);
  }

  private static org.sparkrnn.common.corpus.Shard shard(
      LocalFiles files, Path folder, String split, int number, int[] tokens, int from, int count)
      throws IOException {
    String name = org.sparkrnn.common.corpus.Shard.name(split, number);
    try (ShardWriter writer = new ShardWriter(files, folder.toString(), name, VOCABULARY, count)) {
      writer.write(tokens, from, count);
      return writer.finish();
    }
  }
}
