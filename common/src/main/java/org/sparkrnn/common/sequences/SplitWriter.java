package org.sparkrnn.common.sequences;

import java.io.IOException;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparkrnn.common.corpus.ArrayWriter;
import org.sparkrnn.common.corpus.ElementType;
import org.sparkrnn.common.corpus.Shard;
import org.sparkrnn.common.storage.Files;

/** Writes the arrays of a split, one sequence after the other; how many is said first. */
public final class SplitWriter implements AutoCloseable {
  private final SequenceManifest manifest;
  private final long sequences;
  private final long steps;
  private final ArrayWriter offsets;
  private final ArrayWriter inputs;
  private final ArrayWriter outputs;
  private long stepsWritten;
  private int longest;

  /**
   * Creates or overwrites the arrays.
   *
   * @param manifest of the corpus, without splits
   */
  public SplitWriter(
      Files files,
      String corpus,
      String split,
      SequenceManifest manifest,
      long sequences,
      long steps)
      throws IOException {
    this.manifest = manifest;
    this.sequences = sequences;
    this.steps = steps;
    long predicted =
        switch (manifest.output()) {
          case LABELS -> sequences;
          case TAGS -> steps;
          case TARGETS -> Math.multiplyExact(sequences, (long) manifest.outputs());
        };
    this.offsets =
        array(files, corpus, split, SequenceManifest.OFFSETS, ElementType.INT64, sequences + 1);
    this.inputs =
        array(
            files,
            corpus,
            split,
            manifest.inputArray(),
            manifest.inputType(),
            Math.multiplyExact(steps, (long) manifest.inputWidth()));
    this.outputs =
        array(files, corpus, split, manifest.outputArray(), manifest.outputType(), predicted);
    offsets.write(0L);
  }

  private static ArrayWriter array(
      Files files, String corpus, String split, String what, ElementType type, long elements)
      throws IOException {
    return new ArrayWriter(files, corpus, split + "/" + what + ".npy", type, elements);
  }

  /** Appends a sequence of tokens with one class, or with one for each step. */
  public void write(int[] tokens, int count, int[] classes) throws IOException {
    for (int i = 0; i < count; i++) {
      inputs.write((long) index(tokens[i], manifest.vocabularySize()));
    }
    int predicted = manifest.output() == SequenceSchema.Output.TAGS ? count : 1;
    for (int i = 0; i < predicted; i++) {
      outputs.write((long) index(classes[i], manifest.outputs()));
    }
    end(count);
  }

  /** Appends a sequence of steps of numbers with the numbers to predict. */
  public void write(float[] values, int count, float[] targets) throws IOException {
    for (int i = 0; i < count * manifest.inputWidth(); i++) {
      inputs.write(values[i]);
    }
    for (int i = 0; i < manifest.outputs(); i++) {
      outputs.write(targets[i]);
    }
    end(count);
  }

  private static int index(int index, int limit) {
    if (index < 0 || index >= limit) {
      throw new IllegalArgumentException(
          "Cannot write index %d: the limit is %d".formatted(index, limit));
    }
    return index;
  }

  private void end(int count) throws IOException {
    if (count < 1) {
      throw new IllegalArgumentException("Cannot write a sequence without a step");
    }
    stepsWritten += count;
    longest = Math.max(longest, count);
    offsets.write(stepsWritten);
  }

  /**
   * Ends the files; they are durable afterwards.
   *
   * @throws IllegalStateException if there were not as many sequences or steps as announced
   */
  public SequenceSplit finish(long unknownTokens) throws IOException {
    SortedMap<String, Shard> arrays = new TreeMap<>();
    arrays.put(SequenceManifest.OFFSETS, offsets.finish());
    arrays.put(manifest.inputArray(), inputs.finish());
    arrays.put(manifest.outputArray(), outputs.finish());
    if (stepsWritten != steps) {
      throw new IllegalStateException(
          "Cannot finish a split: %d steps were written, %d announced"
              .formatted(stepsWritten, steps));
    }
    return new SequenceSplit(sequences, steps, longest, unknownTokens, arrays);
  }

  @Override
  public void close() throws IOException {
    try (offsets;
        inputs;
        outputs) {
      // closes each, whatever the others throw
    }
  }
}
