package org.sparkrnn.worker.sequences;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.sparkrnn.common.config.DropoutConfig.Kind;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.config.SoftmaxConfig;
import org.sparkrnn.common.config.TaskConfig.Bidirectional;
import org.sparkrnn.common.config.TaskConfig.Pooling;
import org.sparkrnn.common.config.TaskConfig.Task;
import org.sparkrnn.common.sequences.SequenceSource;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.Zoneout;
import org.sparkrnn.worker.model.Dropout;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.model.TaskSpec;
import org.sparkrnn.worker.reference.ReferenceSequenceModel.Sequence;

/** Random sequences of given lengths, in memory, for a model of any task. */
public final class SampleSequences implements SequenceSource {
  private final ModelSpec spec;
  private final List<Sequence> sequences = new ArrayList<>();

  public SampleSequences(ModelSpec spec, long seed, int... lengths) {
    this.spec = spec;
    SplittableRandom random = new SplittableRandom(seed);
    for (int length : lengths) {
      boolean dense = spec.task().dense();
      boolean regression = spec.task().task() == Task.REGRESSION;
      int classes = regression ? 0 : spec.task().task() == Task.TAGGING ? length : 1;
      int[] tokens = random.ints(dense ? 0 : length, 0, spec.vocabulary()).toArray();
      sequences.add(
          new Sequence(
              tokens,
              floats(random, dense ? length * spec.vocabulary() : 0),
              random.ints(classes, 0, spec.outputs()).toArray(),
              floats(random, regression ? spec.outputs() : 0)));
    }
  }

  public SampleSequences(ModelSpec spec, Sequence... given) {
    this.spec = spec;
    sequences.addAll(List.of(given));
  }

  public List<Sequence> all() {
    return List.copyOf(sequences);
  }

  /** A model of one of the tasks, weights dropped too; numbers as input for regression. */
  public static ModelSpec spec(
      CellKind cell,
      int layers,
      Task task,
      Bidirectional bidirectional,
      Pooling pooling,
      Input input,
      float dropout) {
    return spec(cell, layers, task, bidirectional, pooling, input, dropout, Zoneout.NONE);
  }

  /** The same with zoneout. */
  public static ModelSpec spec(
      CellKind cell,
      int layers,
      Task task,
      Bidirectional bidirectional,
      Pooling pooling,
      Input input,
      float dropout,
      Zoneout zoneout) {
    boolean dense = task == Task.REGRESSION;
    Input used = dense ? Input.ONE_HOT : input;
    return new ModelSpec(
        cell,
        Collections.nCopies(layers, 4),
        Collections.nCopies(layers, 0),
        false,
        5,
        used,
        used == Input.EMBEDDING ? 3 : 0,
        false,
        false,
        false,
        SoftmaxConfig.FULL,
        new Dropout(
            Kind.INDEPENDENT,
            used == Input.EMBEDDING ? dropout : 0,
            dropout,
            dropout,
            0,
            0,
            dropout,
            zoneout),
        new TaskSpec(task, 6, dense, bidirectional, pooling));
  }

  /**
   * Models of tokens whose layers have sizes of their own, or add their input to their output, and
   * whose embedding learns or not, with dropout of every kind at every place.
   */
  public static Stream<ModelSpec> special(CellKind cell) {
    Dropout independent = new Dropout(Kind.INDEPENDENT, 0, 0.25f, 0.4f, 0, 0, 0);
    Dropout variational = new Dropout(Kind.VARIATIONAL, 0.4f, 0.25f, 0.3f, 0.2f, 0.1f, 0.2f);
    List<ModelSpec> models = new ArrayList<>();
    for (Bidirectional directions : Bidirectional.values()) {
      for (Pooling pooling : Pooling.values()) {
        boolean last = pooling == Pooling.LAST;
        boolean defined = !last || directions != Bidirectional.SUM;
        boolean frozen = pooling == Pooling.MAX;
        List<Integer> sizes = last ? List.of(4, 4) : List.of(5, 3);
        TaskSpec classes = new TaskSpec(Task.CLASSIFICATION, 6, false, directions, pooling);
        TaskSpec tags = new TaskSpec(Task.TAGGING, 6, false, directions, Pooling.LAST);
        models.add(special(cell, List.of(6, 3, 5), false, true, variational, classes));
        models.add(special(cell, List.of(4, 4, 4), defined, false, independent, classes));
        models.add(special(cell, sizes, last, frozen, variational, tags));
      }
    }
    return models.stream();
  }

  private static ModelSpec special(
      CellKind cell,
      List<Integer> hidden,
      boolean residual,
      boolean frozen,
      Dropout dropout,
      TaskSpec task) {
    return new ModelSpec(
        cell,
        hidden,
        Collections.nCopies(hidden.size(), 0),
        false,
        5,
        Input.EMBEDDING,
        3,
        residual,
        false,
        frozen,
        SoftmaxConfig.FULL,
        dropout,
        task);
  }

  /** Doubles that floats hold exactly. */
  private static double[] floats(SplittableRandom random, int count) {
    return random.doubles(count, -1, 1).map(value -> (float) value).toArray();
  }

  public Sequence sequence(int number) {
    return sequences.get(number);
  }

  @Override
  public long size() {
    return sequences.size();
  }

  @Override
  public int length(long sequence) {
    Sequence read = sequences.get((int) sequence);
    return spec.task().dense() ? read.values().length / spec.vocabulary() : read.tokens().length;
  }

  @Override
  public void tokens(long sequence, int[] target, int count) {
    System.arraycopy(sequences.get((int) sequence).tokens(), 0, target, 0, count);
  }

  @Override
  public void values(long sequence, float[] target, int count) {
    for (int i = 0; i < count * spec.vocabulary(); i++) {
      target[i] = (float) sequences.get((int) sequence).values()[i];
    }
  }

  @Override
  public int label(long sequence) {
    return sequences.get((int) sequence).classes()[0];
  }

  @Override
  public void tags(long sequence, int[] target, int count) {
    System.arraycopy(sequences.get((int) sequence).classes(), 0, target, 0, count);
  }

  @Override
  public void targets(long sequence, float[] target, int from) {
    for (int i = 0; i < spec.outputs(); i++) {
      target[from + i] = (float) sequences.get((int) sequence).targets()[i];
    }
  }
}
