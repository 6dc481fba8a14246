package org.sparkrnn.worker.reference;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.sparkrnn.common.config.DropoutConfig.Kind;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.config.SoftmaxConfig;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.Zoneout;
import org.sparkrnn.worker.model.ActivationPenalties;
import org.sparkrnn.worker.model.Dropout;
import org.sparkrnn.worker.model.LanguageModel.Masks;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.model.TaskSpec;
import org.sparkrnn.worker.model.WordSample;

/**
 * Models that are more than a stack of equal layers with one rate of dropout.
 *
 * @param name for messages
 */
public record SpecialModels(String name, ModelSpec spec, ActivationPenalties penalties) {
  private static final Dropout NONE = new Dropout(Kind.INDEPENDENT, 0, 0, 0, 0, 0, 0);
  private static final Dropout AWD =
      new Dropout(Kind.VARIATIONAL, 0.4f, 0.25f, 0.3f, 0.2f, 0.1f, 0.5f);
  private static final Dropout WEIGHTS = new Dropout(Kind.INDEPENDENT, 0, 0, 0, 0, 0, 0.4f);
  private static final ActivationPenalties BOTH = new ActivationPenalties(2, 1);

  /** Each with a cell of two states and one of one; what is recurrent with every cell. */
  public static Stream<SpecialModels> all(int vocabulary) {
    return Stream.concat(
        Stream.of(CellKind.values())
            .flatMap(
                cell ->
                    Stream.of(
                        of(cell, "weights dropped", List.of(18, 5), vocabulary, 6, WEIGHTS),
                        of(cell, "zoneout", List.of(18, 5), vocabulary, 6, zoneout(cell)),
                        normalised(of(cell, "", List.of(9, 7), vocabulary, 6, NONE)),
                        normalised(of(cell, "", List.of(18, 5), vocabulary, 6, zoneout(cell))))),
        Stream.concat(projected(vocabulary), special(vocabulary)));
  }

  private static SpecialModels normalised(SpecialModels plain) {
    return new SpecialModels(
        plain.name() + " normalised", plain.spec().withNormalisation(), plain.penalties());
  }

  private static Stream<SpecialModels> special(int vocabulary) {
    return Stream.of(CellKind.LSTM, CellKind.GRU)
        .flatMap(
            cell ->
                Stream.of(
                    of(cell, "sizes per layer", List.of(5, 18, 7), vocabulary, 6, NONE),
                    residual(cell, vocabulary, NONE),
                    residual(cell, vocabulary, new Dropout(Kind.INDEPENDENT, 0, 0.3f, 0, 0, 0, 0)),
                    residual(cell, vocabulary, AWD),
                    tied(cell, vocabulary, List.of(7), NONE, ActivationPenalties.NONE),
                    tied(cell, vocabulary, List.of(18, 5, 7), AWD, BOTH),
                    oneHot(cell, vocabulary)));
  }

  /** The hidden states of some or all layers, with what else there is. */
  private static Stream<SpecialModels> projected(int vocabulary) {
    return Stream.of(CellKind.values())
        .filter(CellKind::isProjectable)
        .flatMap(
            cell ->
                Stream.of(
                    projected(of(cell, "", List.of(18, 5), vocabulary, 6, NONE), 7, 3),
                    projected(of(cell, "", List.of(5, 18), vocabulary, 6, zoneout(cell)), 0, 17),
                    projected(oneHot(cell, vocabulary), 3, 2),
                    projected(normalised(oneHot(cell, vocabulary)), 3, 2),
                    projected(residual(cell, vocabulary, AWD), 7, 7, 7),
                    tiedAndProjected(cell, vocabulary)));
  }

  private static SpecialModels tiedAndProjected(CellKind cell, int vocabulary) {
    return new SpecialModels(
        cell + " tied and projected",
        new ModelSpec(
            cell,
            List.of(18, 5, 18),
            List.of(11, 0, 7),
            false,
            vocabulary,
            Input.EMBEDDING,
            7,
            false,
            true,
            false,
            SoftmaxConfig.FULL,
            AWD,
            TaskSpec.LANGUAGE_MODEL),
        BOTH);
  }

  private static SpecialModels projected(SpecialModels plain, Integer... projection) {
    List<Integer> columns = List.of(projection);
    return new SpecialModels(
        plain.name() + " projected to " + columns,
        plain.spec().withProjection(columns),
        plain.penalties());
  }

  /** Small ones with an adaptive softmax. */
  public static Stream<SpecialModels> adaptive(int vocabulary) {
    SpecialModels lstm = of(CellKind.LSTM, "", List.of(5, 18), vocabulary, 6, AWD);
    SpecialModels projected =
        adaptive(projected(lstm, 0, 9), List.of(vocabulary / 4, vocabulary / 2));
    return Stream.concat(Stream.of(projected), adaptiveOfEachKind(vocabulary));
  }

  private static Stream<SpecialModels> adaptiveOfEachKind(int vocabulary) {
    return Stream.of(CellKind.LSTM, CellKind.GRU)
        .flatMap(
            cell ->
                Stream.of(
                    adaptive(
                        of(cell, "small", List.of(5, 9), vocabulary, 6, NONE),
                        List.of(vocabulary / 4, vocabulary / 2)),
                    adaptive(
                        of(cell, "dropped", List.of(7, 6), vocabulary, 5, AWD),
                        List.of(vocabulary / 3)),
                    adaptive(oneHot(cell, vocabulary), List.of(1, vocabulary - 3))));
  }

  private static SpecialModels adaptive(SpecialModels full, List<Integer> cutoffs) {
    SoftmaxConfig softmax = new SoftmaxConfig(SoftmaxConfig.Kind.ADAPTIVE, cutoffs, 3, 0);
    return new SpecialModels(full.name() + " " + softmax, full.spec().withSoftmax(softmax), BOTH);
  }

  /**
   * Small ones with a sampled softmax.
   *
   * @param samples at least the positions of a window
   */
  public static Stream<SpecialModels> sampled(int vocabulary, int samples) {
    SoftmaxConfig softmax = new SoftmaxConfig(SoftmaxConfig.Kind.SAMPLED, List.of(), 4, samples);
    return Stream.of(
            of(CellKind.LSTM, "dropped", List.of(7, 6), vocabulary, 5, AWD),
            of(CellKind.GRU, "plain", List.of(9), vocabulary, 6, NONE),
            oneHot(CellKind.GRU, vocabulary),
            tied(CellKind.LSTM, vocabulary, List.of(5, 7), AWD, BOTH))
        .map(
            full ->
                new SpecialModels(
                    full.name() + " sampled", full.spec().withSoftmax(softmax), full.penalties()));
  }

  /** What {@link ReferenceModel#sample} takes for the labels of a window. */
  public static double[] corrections(ModelSpec spec, int[] labels, Masks masks) {
    WordSample sample =
        new WordSample(spec.vocabulary(), spec.softmax().softmaxSamples(), labels.length);
    sample.draw(labels, labels.length, masks);
    double[] corrections = new double[spec.vocabulary()];
    Arrays.fill(corrections, Double.NEGATIVE_INFINITY);
    for (int i = 0; i < sample.words().length; i++) {
      corrections[sample.words()[i]] = sample.corrections()[i];
    }
    return corrections;
  }

  private static Dropout zoneout(CellKind cell) {
    Zoneout zoneout = new Zoneout(0.3f, cell.hasCellState() ? 0.4f : 0);
    return new Dropout(Kind.VARIATIONAL, 0, 0.2f, 0, 0, 0, 0.2f, zoneout);
  }

  private static SpecialModels of(
      CellKind cell,
      String name,
      List<Integer> hidden,
      int vocabulary,
      int embedding,
      Dropout dropout) {
    return new SpecialModels(
        cell + " " + name,
        new ModelSpec(
            cell, hidden, vocabulary, Input.EMBEDDING, embedding, false, false, false, dropout),
        ActivationPenalties.NONE);
  }

  private static SpecialModels residual(CellKind cell, int vocabulary, Dropout dropout) {
    return new SpecialModels(
        cell + " residual " + dropout,
        new ModelSpec(
            cell, List.of(18, 18, 18), vocabulary, Input.EMBEDDING, 5, true, false, false, dropout),
        BOTH);
  }

  private static SpecialModels tied(
      CellKind cell,
      int vocabulary,
      List<Integer> hidden,
      Dropout dropout,
      ActivationPenalties penalties) {
    return new SpecialModels(
        "%s tied %s %s %s".formatted(cell, hidden, dropout, penalties),
        new ModelSpec(cell, hidden, vocabulary, Input.EMBEDDING, 7, false, true, false, dropout),
        penalties);
  }

  private static SpecialModels oneHot(CellKind cell, int vocabulary) {
    Dropout dropout = new Dropout(Kind.VARIATIONAL, 0, 0.25f, 0.4f, 0, 0, 0);
    return new SpecialModels(
        cell + " one-hot " + dropout,
        new ModelSpec(
            cell, List.of(5, 4), vocabulary, Input.ONE_HOT, 0, false, false, false, dropout),
        new ActivationPenalties(0, 3));
  }

  @Override
  public String toString() {
    return name;
  }
}
