package org.sparkrnn.common.config;

import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * One setting: its name, and what a different value of it would change. The table {@link #ALL} is
 * the only list of settings; {@code reference.conf} documents each of them.
 *
 * @param value reads the setting from a configuration: String, List of String or Integer, enum,
 *     Boolean, Integer, Long, Double (NaN for none) or Duration
 */
record ConfigKey(String name, Effect effect, Function<TrainingConfig, Object> value) {
  /** What a different value would change. */
  enum Effect {
    /** The bytes of a checkpoint; may not differ on resume. */
    SEMANTIC,
    /** What a checkpoint says of the best step; may differ on resume. */
    EVALUATION,
    /** Where a run ends, what it keeps, shows or uses, and where that lies. */
    FREE
  }

  private static final int WRONG_GROUP = 4;
  private static final int LONGEST_COMPARED = 100; // comparing takes the product of both lengths

  static final List<ConfigKey> ALL =
      List.of(
          free("corpus.path", c -> c.corpus().path()),
          free("corpus.input", c -> c.corpus().input()),
          semantic("corpus.unit", c -> c.corpus().unit()),
          semantic("corpus.split", c -> c.corpus().split()),
          semantic("corpus.min-count", c -> c.corpus().minCount()),
          semantic("corpus.max-vocabulary", c -> c.corpus().maxVocabulary()),
          free("checkpoint.path", c -> c.checkpoint().path()),
          free("checkpoint.every-rounds", c -> c.checkpoint().everyRounds()),
          free("checkpoint.keep-last", c -> c.checkpoint().keepLast()),
          free("checkpoint.keep-best", c -> c.checkpoint().keepBest()),
          semantic("model.task", c -> c.task().task()),
          semantic("model.bidirectional", c -> c.task().bidirectional()),
          semantic("model.pooling", c -> c.task().pooling()),
          semantic("model.cell", c -> c.model().cell()),
          semantic("model.layers", c -> c.model().layers()),
          semantic("model.hidden", c -> c.model().hidden()),
          semantic("model.projection", c -> c.model().projection()),
          semantic("model.layer-normalization", c -> c.model().layerNormalization()),
          semantic("model.residual", c -> c.model().residual()),
          semantic("model.input", c -> c.model().input()),
          semantic("model.embedding", c -> c.model().embedding()),
          semantic("model.tied", c -> c.model().tied()),
          free("model.pretrained-embeddings", c -> c.model().pretrainedEmbeddings()),
          semantic("model.frozen-embedding", c -> c.model().frozenEmbedding()),
          semantic("model.softmax", c -> c.model().output().softmax()),
          semantic("model.softmax-cutoffs", c -> c.model().output().softmaxCutoffs()),
          semantic("model.softmax-divisor", c -> c.model().output().softmaxDivisor()),
          semantic("model.softmax-samples", c -> c.model().output().softmaxSamples()),
          semantic("model.dropout", c -> c.model().dropouts().dropout()),
          semantic("model.dropout-kind", c -> c.model().dropouts().dropoutKind()),
          semantic("model.dropout-input", c -> c.model().dropouts().dropoutInputOrNaN()),
          semantic("model.dropout-hidden", c -> c.model().dropouts().dropoutHiddenOrNaN()),
          semantic("model.dropout-output", c -> c.model().dropouts().dropoutOutputOrNaN()),
          semantic("model.embedding-dropout", c -> c.model().dropouts().embeddingDropout()),
          semantic("model.word-dropout", c -> c.model().dropouts().wordDropout()),
          semantic(
              "model.recurrent-weight-dropout", c -> c.model().dropouts().recurrentWeightDropout()),
          semantic("model.zoneout-hidden", c -> c.model().dropouts().zoneoutHidden()),
          semantic("model.zoneout-cell", c -> c.model().dropouts().zoneoutCell()),
          semantic("model.initialization", c -> c.model().initialization()),
          semantic("model.initialization-range", c -> c.model().initializationRange()),
          semantic("model.forget-gate-bias", c -> c.model().forgetGateBiasOrNaN()),
          semantic("loss.reduction", c -> c.loss().reduction()),
          semantic("loss.activation-penalty", c -> c.loss().activationPenalty()),
          semantic("loss.temporal-penalty", c -> c.loss().temporalPenalty()),
          semantic("batch.streams", c -> c.batch().streams()),
          evaluation("batch.global-streams", c -> c.batch().globalStreams()), // but see effectIn
          semantic("batch.window", c -> c.batch().window()),
          semantic("batch.window-lengths", c -> c.batch().windowLengths()),
          semantic("batch.bucket-batches", c -> c.batch().bucketBatches()),
          semantic("optimizer.kind", c -> c.optimizer().kind()),
          semantic("optimizer.learning-rate", c -> c.optimizer().learningRate()),
          semantic("optimizer.momentum", c -> c.optimizer().momentum()),
          semantic("optimizer.decay", c -> c.optimizer().decay()),
          semantic("optimizer.beta1", c -> c.optimizer().beta1()),
          semantic("optimizer.beta2", c -> c.optimizer().beta2()),
          semantic("optimizer.momentum-decay", c -> c.optimizer().momentumDecay()),
          semantic("optimizer.lambda", c -> c.optimizer().lambda()),
          semantic("optimizer.alpha", c -> c.optimizer().alpha()),
          semantic("optimizer.averaging-start", c -> c.optimizer().averagingStart()),
          semantic("optimizer.non-monotone", c -> c.optimizer().nonMonotone()),
          semantic("optimizer.epsilon", c -> c.optimizer().epsilon()),
          semantic("optimizer.weight-decay", c -> c.optimizer().weightDecay()),
          semantic("optimizer.l1", c -> c.optimizer().l1()),
          semantic("optimizer.state", c -> c.optimizer().state()),
          semantic("clipping.norm", c -> c.clipping().norm()),
          semantic("clipping.value", c -> c.clipping().value()),
          semantic("schedule.kind", c -> c.schedule().kind()),
          semantic("schedule.constant-epochs", c -> c.schedule().constantEpochs()),
          semantic("schedule.factor", c -> c.schedule().factor()),
          semantic("schedule.patience", c -> c.schedule().patience()),
          semantic("schedule.min-learning-rate", c -> c.schedule().minLearningRate()),
          semantic("schedule.warmup-tokens", c -> c.schedule().warmupTokens()),
          semantic("training.replicas", c -> c.training().replicas()),
          free("training.epochs", c -> c.training().epochs()), // but see effectIn
          free("training.max-rounds", c -> c.training().maxRounds()),
          free("training.max-tokens", c -> c.training().maxTokens()),
          free("training.max-duration", c -> c.training().maxDuration()),
          free("training.until", c -> c.training().until()),
          free("training.patience", c -> c.training().patience()),
          semantic("training.seed", c -> c.training().seed()),
          free("training.stop-grace", c -> c.training().stopGrace()),
          semantic("round.local-steps", c -> c.round().localSteps()),
          semantic("round.warmup-steps", c -> c.round().warmupSteps()),
          semantic("round.delta", c -> c.round().delta()),
          free("round.timeout", c -> c.round().timeout()),
          free("round.inline-state-bytes", c -> c.round().inlineStateBytes()),
          semantic("outer.kind", c -> c.outer().kind()),
          semantic("outer.learning-rate", c -> c.outer().learningRate()),
          semantic("outer.momentum", c -> c.outer().momentum()),
          evaluation("evaluation.streams", c -> c.evaluation().streams()),
          evaluation("evaluation.every-rounds", c -> c.evaluation().everyRounds()),
          free("kernel.choice", c -> c.kernel().choice()),
          free("kernel.isa", c -> c.kernel().isa()),
          semantic("kernel.precision", c -> c.kernel().precision()),
          free("kernel.bf16-emulation", c -> c.kernel().bf16Emulation()),
          free("forecast.bandwidth", c -> c.forecast().bandwidth()),
          free("forecast.gflops", c -> c.forecast().gflops()),
          free("display.progress", c -> c.display().progress()),
          free("display.sample-length", c -> c.display().sampleLength()),
          free("display.sample-prompt", c -> c.display().samplePrompt()));

  private static ConfigKey semantic(String name, Function<TrainingConfig, Object> value) {
    return new ConfigKey(name, Effect.SEMANTIC, value);
  }

  private static ConfigKey evaluation(String name, Function<TrainingConfig, Object> value) {
    return new ConfigKey(name, Effect.EVALUATION, value);
  }

  private static ConfigKey free(String name, Function<TrainingConfig, Object> value) {
    return new ConfigKey(name, Effect.FREE, value);
  }

  /**
   * The effect of this setting among the others: the number of epochs is a limit, unless the
   * learning rate is planned over all of them; who trains in the place of all replicas has streams
   * of its own.
   */
  Effect effectIn(TrainingConfig config) {
    boolean semantic =
        switch (name) {
          case "training.epochs" -> config.schedule().kind() == ScheduleConfig.Kind.COSINE;
          case "batch.global-streams" -> config.warmsUp();
          default -> false;
        };
    return semantic ? Effect.SEMANTIC : effect;
  }

  static boolean isKnown(String name) {
    return ALL.stream().anyMatch(key -> key.name.equals(name));
  }

  static boolean isGroup(String name) {
    return ALL.stream().anyMatch(key -> key.name.startsWith(name + "."));
  }

  /** The known name that takes the fewest edits to reach. */
  static String nearest(String anyUnknown) {
    String unknown = anyUnknown.substring(0, Math.min(LONGEST_COMPARED, anyUnknown.length()));
    String nearest = "";
    int fewest = Integer.MAX_VALUE;
    for (String name : (Iterable<String>) names()::iterator) {
      // However far apart two groups are, the right name in the wrong group is near.
      int edits =
          Math.min(
              editDistance(unknown, name), WRONG_GROUP + editDistance(last(unknown), last(name)));
      if (edits < fewest) {
        fewest = edits;
        nearest = name;
      }
    }
    return nearest;
  }

  private static Stream<String> names() {
    return ALL.stream().map(ConfigKey::name);
  }

  private static String last(String name) {
    return name.substring(name.lastIndexOf('.') + 1);
  }

  /** Insertions, deletions and replacements that turn one text into the other. */
  private static int editDistance(String from, String to) {
    int[] row = new int[to.length() + 1];
    for (int j = 0; j <= to.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= to.length(); j++) {
        int replaced = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[to.length()];
  }
}
