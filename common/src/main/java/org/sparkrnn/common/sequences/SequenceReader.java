package org.sparkrnn.common.sequences;

import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.sparkrnn.common.corpus.ArrayReader;
import org.sparkrnn.common.corpus.ElementType;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.Files;

/**
 * Reads the sequences of a split at many places in turn. Not for several threads. Every block is
 * verified when it is first needed, every offset, index and number when it is read.
 */
public final class SequenceReader implements SequenceSource, AutoCloseable {
  private final String path;
  private final SequenceManifest manifest;
  private final SequenceSplit split;
  private final ArrayReader offsets;
  private final ArrayReader inputs;
  private final ArrayReader outputs;
  private final long[] bounds = new long[2];
  private final int[] one = new int[1];

  SequenceReader(Files files, String corpus, SequenceManifest manifest, SequenceSplit split) {
    this.manifest = manifest;
    this.split = split;
    this.path = Files.join(corpus, array(SequenceManifest.OFFSETS));
    this.offsets = reader(files, corpus, SequenceManifest.OFFSETS, ElementType.INT64);
    this.inputs = reader(files, corpus, manifest.inputArray(), manifest.inputType());
    this.outputs = reader(files, corpus, manifest.outputArray(), manifest.outputType());
  }

  private String array(String name) {
    return Objects.requireNonNull(split.arrays().get(name)).name();
  }

  private ArrayReader reader(Files files, String corpus, String name, ElementType type) {
    return new ArrayReader(
        files, corpus, type, List.of(Objects.requireNonNull(split.arrays().get(name))));
  }

  @Override
  public long size() {
    return split.sequences();
  }

  @Override
  public int length(long sequence) throws IOException {
    find(sequence);
    return (int) (bounds[1] - bounds[0]);
  }

  /** Sets {@link #bounds}. */
  private void find(long sequence) throws IOException {
    offsets.readLongs(sequence, bounds, 0, 2);
    long length = bounds[1] - bounds[0];
    boolean inside = bounds[0] >= 0 && bounds[1] <= split.steps();
    if (!inside || length < 1 || length > split.longest()) {
      throw new CorruptFileException(
          "Cannot read %s: sequence %d has the steps %d to %d of %d, at most %d"
              .formatted(path, sequence, bounds[0], bounds[1], split.steps(), split.longest()));
    }
  }

  private void find(long sequence, int count) throws IOException {
    find(sequence);
    Objects.checkFromIndexSize(0, count, (int) (bounds[1] - bounds[0]));
  }

  @Override
  public void tokens(long sequence, int[] target, int count) throws IOException {
    find(sequence, count);
    inputs.readIndices(bounds[0], target, 0, count, manifest.vocabularySize(), "token");
  }

  @Override
  public void values(long sequence, float[] target, int count) throws IOException {
    find(sequence, count);
    int width = manifest.inputWidth();
    inputs.readFloats(bounds[0] * width, target, 0, Math.multiplyExact(count, width));
  }

  @Override
  public int label(long sequence) throws IOException {
    outputs.readIndices(sequence, one, 0, 1, manifest.outputs(), "label");
    return one[0];
  }

  @Override
  public void tags(long sequence, int[] target, int count) throws IOException {
    find(sequence, count);
    outputs.readIndices(bounds[0], target, 0, count, manifest.outputs(), "tag");
  }

  @Override
  public void targets(long sequence, float[] target, int from) throws IOException {
    int width = manifest.outputs();
    outputs.readFloats(sequence * width, target, from, width);
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
