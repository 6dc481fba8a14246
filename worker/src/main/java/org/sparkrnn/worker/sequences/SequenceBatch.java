package org.sparkrnn.worker.sequences;

import java.io.IOException;
import java.util.Arrays;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.sequences.SequenceSource;
import org.sparkrnn.worker.model.ModelSpec;

/**
 * Some sequences side by side, each from step 0, padded behind to the longest; and which rows of
 * activations belong to what. Position {@code step · streams + stream}; −1 stands for padding.
 *
 * <p>A batch is filled again and again; nobody but it writes to its arrays.
 */
public final class SequenceBatch {
  private final ModelSpec spec;
  private final int streams;
  private final int steps;
  private final int[] lengths;
  private final int[] tokens;
  private final int[] reversedTokens;
  private final float[] values;
  private final int[] reversed;
  private final int[] present;
  private final int[] featureRows;
  private final int[] featureOf;
  private final int[] classes;
  private final float[] targets;
  private final int[] sequenceTokens;
  private final int[] sequenceTags;
  private final float[] sequenceValues;
  private int count;
  private int time;
  private int predictions;

  /**
   * An empty batch.
   *
   * @param streams most sequences
   * @param steps most steps of a sequence
   */
  public SequenceBatch(ModelSpec spec, int streams, int steps) {
    int positions = Math.multiplyExact(streams, steps);
    boolean dense = spec.task().dense();
    int columns = dense ? spec.vocabulary() : 0;
    boolean tagging = spec.task().task() == Task.TAGGING;
    this.spec = spec;
    this.streams = streams;
    this.steps = steps;
    this.lengths = new int[streams];
    this.tokens = new int[dense ? 0 : positions];
    this.reversedTokens = new int[spec.task().isBidirectional() ? tokens.length : 0];
    this.values = new float[Math.multiplyExact(positions, columns)];
    this.reversed = new int[positions];
    this.present = new int[positions];
    this.featureRows = new int[tagging ? positions : streams];
    this.featureOf = new int[positions];
    this.classes = new int[featureRows.length];
    boolean regression = spec.task().task() == Task.REGRESSION;
    this.targets = new float[regression ? Math.multiplyExact(streams, spec.outputs()) : 0];
    this.sequenceTokens = new int[dense ? 0 : steps];
    this.sequenceTags = new int[tagging ? steps : 0];
    this.sequenceValues = new float[dense ? Math.multiplyExact(steps, columns) : 0];
  }

  /**
   * Fills the batch.
   *
   * @param sequences numbers of the sequences, of which the first {@code size} are meant
   * @param labelled whether to read what is to be predicted
   * @throws BadInputException if a sequence is longer than the batch
   */
  public void fill(SequenceSource source, long[] sequences, int size, boolean labelled)
      throws IOException {
    count = size;
    time = 0;
    Arrays.fill(lengths, 0);
    Arrays.fill(tokens, 0);
    for (int b = 0; b < size; b++) {
      lengths[b] = source.length(sequences[b]);
      if (lengths[b] > steps) {
        throw new BadInputException(
            "Cannot use a sequence of %d steps: batch.window allows %d; raise it"
                .formatted(lengths[b], steps));
      }
      time = Math.max(time, lengths[b]);
    }
    Arrays.fill(values, 0, time * streams * (values.length / (streams * steps)), 0f);
    map();
    for (int b = 0; b < size; b++) {
      readInputs(source, sequences[b], b);
      if (labelled) {
        readOutputs(source, sequences[b], b);
      }
    }
    for (int p = 0; p < Math.min(reversedTokens.length, time * streams); p++) {
      reversedTokens[p] = reversed[p] < 0 ? 0 : tokens[reversed[p]];
    }
  }

  private void map() {
    boolean tagging = spec.task().task() == Task.TAGGING;
    predictions = tagging ? 0 : count;
    for (int p = 0; p < time * streams; p++) {
      int t = p / streams;
      int b = p % streams;
      boolean there = t < lengths[b];
      present[p] = there ? p : -1;
      reversed[p] = there ? (lengths[b] - 1 - t) * streams + b : -1;
      featureOf[p] = -1;
      if (tagging && there) {
        featureRows[predictions] = p;
        featureOf[p] = predictions++;
      } else if (!tagging && there && t == lengths[b] - 1) {
        featureRows[b] = p;
        featureOf[p] = b;
      }
    }
  }

  private void readInputs(SequenceSource source, long sequence, int b) throws IOException {
    int length = lengths[b];
    if (!spec.task().dense()) {
      source.tokens(sequence, sequenceTokens, length);
      for (int t = 0; t < length; t++) {
        tokens[t * streams + b] = sequenceTokens[t];
      }
      return;
    }
    int columns = spec.vocabulary();
    source.values(sequence, sequenceValues, length);
    for (int t = 0; t < length; t++) {
      System.arraycopy(sequenceValues, t * columns, values, (t * streams + b) * columns, columns);
    }
  }

  private void readOutputs(SequenceSource source, long sequence, int b) throws IOException {
    switch (spec.task().task()) {
      case CLASSIFICATION -> classes[b] = source.label(sequence);
      case TAGGING -> {
        source.tags(sequence, sequenceTags, lengths[b]);
        for (int t = 0; t < lengths[b]; t++) {
          classes[featureOf[t * streams + b]] = sequenceTags[t];
        }
      }
      case REGRESSION -> source.targets(sequence, targets, b * spec.outputs());
      case LANGUAGE_MODEL -> throw new IllegalStateException("Cannot batch a stream of tokens");
    }
  }

  /** Most sequences. */
  public int streams() {
    return streams;
  }

  /** Sequences. */
  public int count() {
    return count;
  }

  /** Steps of the longest sequence. */
  public int time() {
    return time;
  }

  /** Steps of each stream; 0 where there is no sequence. */
  public int[] lengths() {
    return lengths;
  }

  /** What is predicted: one for each sequence, or for each step of each. */
  public int predictions() {
    return predictions;
  }

  /** By position; 0 for padding. */
  public int[] tokens() {
    return tokens;
  }

  /** As {@link #tokens}, each sequence from its end. */
  public int[] reversedTokens() {
    return reversedTokens;
  }

  /** {@code [position, column]}; 0 for padding. */
  public float[] values() {
    return values;
  }

  /** By position: the position of the same sequence as far from its end as this from its start. */
  public int[] reversed() {
    return reversed;
  }

  /** By position: itself. */
  public int[] present() {
    return present;
  }

  /** By prediction: the position it is made at, in each direction's own order of steps. */
  public int[] featureRows() {
    return featureRows;
  }

  /** By position: the prediction made there. */
  public int[] featureOf() {
    return featureOf;
  }

  /** By prediction: the class that is right. */
  public int[] classes() {
    return classes;
  }

  /** {@code [sequence, output]}: the numbers that are right. */
  public float[] targets() {
    return targets;
  }
}
