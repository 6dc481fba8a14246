package org.sparkrnn.worker.training;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.sequences.SequenceCorpus;
import org.sparkrnn.common.sequences.SequenceManifest;
import org.sparkrnn.common.sequences.SequenceSchema;
import org.sparkrnn.common.sequences.SequenceSchema.Input;
import org.sparkrnn.common.sequences.SequenceSchema.Output;
import org.sparkrnn.common.sequences.SequenceSchema.Scale;
import org.sparkrnn.common.sequences.SequenceSplit;
import org.sparkrnn.common.sequences.SplitWriter;
import org.sparkrnn.common.storage.LocalFiles;

/** Small corpora of sequences in which there is something to learn. */
public final class SequenceCorpora {
  private static final int KINDS = 5;
  private static final int LONGEST = 7;

  private SequenceCorpora() {}

  /** Writes a corpus for a task; the validation split is a third of the training one. */
  public static Path write(Path folder, Task task, long seed, int sequences) {
    System.out.println("sequences seed " + seed);
    LocalFiles files = new LocalFiles();
    List<String> names = new ArrayList<>();
    for (int i = 0; i < KINDS; i++) {
      names.add(String.valueOf((char) ('a' + i)));
    }
    boolean dense = task == Task.REGRESSION;
    Vocabulary vocabulary = Vocabulary.of(Unit.WORD, dense ? names.subList(0, 2) : names);
    SequenceSchema schema =
        switch (task) {
          case CLASSIFICATION -> SequenceSchema.ofTokens(Output.LABELS, List.of("x", "y", "z"));
          case TAGGING -> SequenceSchema.ofTokens(Output.TAGS, List.of("X", "Y"));
          case REGRESSION ->
              new SequenceSchema(
                  Input.VALUES,
                  Output.TARGETS,
                  List.of("b"),
                  List.of(new Scale(0, 1), new Scale(3, 2)),
                  List.of(1),
                  2);
          case LANGUAGE_MODEL -> throw new IllegalArgumentException("no sequences");
        };
    try {
      Map<String, SequenceSplit> splits = new TreeMap<>();
      splits.put("train", split(files, folder, "train", vocabulary, schema, seed, sequences));
      splits.put(
          "valid", split(files, folder, "valid", vocabulary, schema, seed + 1, sequences / 3));
      SequenceCorpus.finish(files, folder.toString(), vocabulary, schema, splits);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return folder;
  }

  private static SequenceSplit split(
      LocalFiles files,
      Path folder,
      String name,
      Vocabulary vocabulary,
      SequenceSchema schema,
      long seed,
      int sequences)
      throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    int[] lengths = random.ints(sequences, 1, LONGEST + 1).toArray();
    long steps = java.util.Arrays.stream(lengths).sum();
    SequenceManifest manifest = SequenceManifest.of(vocabulary, schema, Map.of());
    try (SplitWriter writer =
        new SplitWriter(files, folder.toString(), name, manifest, sequences, steps)) {
      for (int length : lengths) {
        int[] tokens = random.ints(length, 0, KINDS).toArray();
        if (schema.output() == Output.TARGETS) {
          float[] values = new float[2 * length];
          for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble();
          }
          float last = values[2 * length - 1];
          writer.write(values, length, new float[] {1 - last, last / 2});
        } else {
          int[] classes = new int[length];
          for (int t = 0; t < length; t++) {
            int before = t == 0 ? 0 : tokens[t - 1];
            classes[t] =
                schema.output() == Output.LABELS
                    ? tokens[length - 1] % 3
                    : (tokens[t] + before) % 2;
          }
          writer.write(tokens, length, classes);
        }
      }
      return writer.finish(0);
    }
  }

  /** Settings of a tiny model; later ones override. */
  public static TrainingConfig config(Task task, Path corpus, Path run, Map<String, ?> settings) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("corpus.path", corpus);
    all.put("checkpoint.path", run);
    all.put("checkpoint.every-rounds", 1);
    all.put("checkpoint.keep-last", 1000);
    all.put("model.task", task.name().toLowerCase(java.util.Locale.ROOT));
    all.put("model.layers", 1);
    all.put("model.hidden", 8);
    all.put("model.embedding", 4);
    all.put("batch.streams", 4);
    all.put("batch.window", LONGEST);
    all.put("batch.bucket-batches", 2);
    all.put("optimizer.learning-rate", 0.02);
    all.put("training.epochs", 3);
    all.put("round.local-steps", 4);
    all.put("kernel.choice", "java");
    all.putAll(settings);
    return TrainingConfig.load(
        "", all.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList());
  }
}
