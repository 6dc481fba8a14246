package org.sparkrnn.worker.training;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.sparkrnn.common.config.ModelConfig;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.model.WordClusters;

/**
 * How long a local step takes: the floating-point operations of its tokens over what a core does of
 * them in a second, and what every parameter costs whatever the batch (packing, norm, update).
 *
 * @param flopsPerSecond of one core, in products of the sizes that training has
 */
public record StepRate(double flopsPerSecond) {
  /** Steps of one token, which are hardly anything else; docs/scaling.md. */
  private static final double NANOS_PER_PARAMETER = 3;

  /** For each vector of moments that is read and written as well. */
  private static final double NANOS_PER_MOMENT = 1;

  private static final double NANO = 1e-9;

  /** A stand-in has no dimension larger than these, so that a step of it is short. */
  private static final int LARGEST_HIDDEN = 256;

  private static final int LARGEST_VOCABULARY = 2000;
  private static final int LARGEST_LAYERS = 2;
  private static final int LARGEST_STREAMS = 64;
  private static final int LARGEST_WINDOW = 20;

  /** The first steps are slower: pages are touched for the first time, code is compiled. */
  private static final int WARM_UP_STEPS = 2;

  public StepRate {
    if (!(flopsPerSecond > 0)) {
      throw new IllegalArgumentException(
          "Cannot compute with %s operations per second".formatted(flopsPerSecond));
    }
  }

  /**
   * Measures this machine with a model of the same kind, shrunk to steps of milliseconds.
   *
   * @param limit after which no further step is begun
   * @throws IllegalStateException if the kernel that the settings ask for is not there
   */
  public static StepRate measure(TrainingConfig config, ModelSpec spec, Duration limit) {
    ModelConfig model = config.model();
    TrainingConfig small =
        TrainingConfig.load(
            config.semanticText(),
            List.of(
                "model.hidden=" + smallUnits(model),
                "model.projection=" + smallProjection(model),
                "model.embedding=" + Math.min(LARGEST_HIDDEN, model.embedding()),
                "model.tied=false",
                "model.residual=false",
                "model.softmax=full",
                "batch.window-lengths=fixed",
                "model.layers=" + Math.min(LARGEST_LAYERS, model.layers()),
                "batch.streams=" + Math.min(LARGEST_STREAMS, config.batch().streams()),
                "batch.window=" + Math.min(LARGEST_WINDOW, config.batch().window()),
                "optimizer.learning-rate=1e-9",
                "training.replicas=1",
                "model.task=language-model",
                "model.bidirectional=none",
                "kernel.choice=" + config.kernel().choice().name().toLowerCase(Locale.ROOT),
                "kernel.isa=" + config.kernel().isa().name().toLowerCase(Locale.ROOT),
                "kernel.bf16-emulation=" + config.kernel().bf16Emulation()));
    int vocabulary = Math.min(LARGEST_VOCABULARY, spec.vocabulary());
    ModelSpec smallSpec = ModelSpec.of(small.model(), vocabulary);
    double seconds = secondsPerStep(small, smallSpec, limit);
    // Where the parameters' share dominates, steps are so short that they hardly matter.
    double ofTokens = Math.max(seconds / 2, seconds - secondsOfParameters(small, smallSpec));
    return new StepRate(tokensPerStep(small) * flopsPerToken(smallSpec) / ofTokens);
  }

  private static int smallUnits(ModelConfig model) {
    return Math.min(LARGEST_HIDDEN, Collections.max(model.hidden()));
  }

  /** The same share of the units; 0 where none are projected. */
  private static int smallProjection(ModelConfig model) {
    int largest = Collections.max(model.projection());
    long share = (long) largest * smallUnits(model) / Collections.max(model.hidden());
    return largest == 0 ? 0 : (int) Math.max(1, share);
  }

  /** Operations of training on one token: three times those of the forward products. */
  public static double flopsPerToken(ModelSpec spec) {
    double products = 0;
    for (ParameterBlock block : spec.layout().blocks()) {
      boolean isGathered =
          (block.name().equals(ModelSpec.EMBEDDING_WEIGHT) && !spec.tied())
              || (spec.input() == Input.ONE_HOT && block.name().startsWith("rnn.weight_ih_l0"));
      if (block.name().contains("weight") && !isGathered) {
        products += block.size() * shareOfTokens(spec, block);
      }
    }
    return 6 * products;
  }

  /**
   * The share of the tokens that a block is multiplied with: 1, but for the words that a sampled
   * softmax leaves out, and for the clusters of an adaptive one, whose words are counted on to
   * follow Zipf's law (word r, from 1, as often as 1/r).
   */
  private static double shareOfTokens(ModelSpec spec, ParameterBlock block) {
    if (spec.softmax().isSampled() && block.name().equals(spec.outputWeight())) {
      return Math.min(1.0, (double) spec.softmax().softmaxSamples() / spec.vocabulary());
    }
    if (spec.softmax().isAdaptive()) {
      WordClusters clusters = spec.clusters();
      for (int i = 0; i < clusters.count(); i++) {
        if (block.name().equals(WordClusters.projectionWeight(i))
            || block.name().equals(WordClusters.wordsWeight(i))) {
          int first = clusters.first(i);
          return (harmonic(first + clusters.words(i)) - harmonic(first))
              / harmonic(spec.vocabulary());
        }
      }
    }
    return 1;
  }

  private static double harmonic(int n) {
    double sum = 0;
    for (int r = n; r > 0; r--) {
      sum += 1.0 / r;
    }
    return sum;
  }

  /** Of one replica on one core, all its streams and time steps. */
  public double secondsPerStep(TrainingConfig config, ModelSpec spec) {
    return tokensPerStep(config) * flopsPerToken(spec) / flopsPerSecond
        + secondsOfParameters(config, spec);
  }

  /** Plain SGD leaves the embedding's rows alone that a window does not touch. */
  private static double secondsOfParameters(TrainingConfig config, ModelSpec spec) {
    int moments = ReplicaTrainer.momentVectors(config);
    long spared = moments > 0 || spec.isOneHot() ? 0 : (long) spec.vocabulary() * spec.embedding();
    return NANO
        * (NANOS_PER_PARAMETER + moments * NANOS_PER_MOMENT)
        * (spec.layout().size() - spared);
  }

  private static double tokensPerStep(TrainingConfig config) {
    return (double) config.batch().streams() * config.batch().window();
  }

  private static double secondsPerStep(TrainingConfig config, ModelSpec spec, Duration limit) {
    Stopwatch watch = new Stopwatch(limit);
    long tokensPerStep = (long) tokensPerStep(config);
    Plan plan = Plan.of(config, tokensPerStep * Integer.MAX_VALUE);
    try {
      ReplicaTrainer.run(
          config,
          spec,
          Kernel.create(config.kernel()),
          plan,
          TrainingState.start(plan).task(0, Integer.MAX_VALUE),
          spec.initialise(config.model(), 1),
          ReplicaState.start(),
          (first, target, from, count) -> {
            for (int i = 0; i < count; i++) {
              target[from + i] = (int) ((first + i) % spec.vocabulary());
            }
          },
          watch);
    } catch (CancellationException e) {
      return watch.secondsPerStep(); // it has seen enough
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    throw new IllegalStateException("Cannot measure: the tokens came to an end");
  }

  /**
   * Asked before every step; says yes when time is over. Steps count in processor time, which other
   * programs on the machine lengthen least.
   */
  private static final class Stopwatch implements BooleanSupplier {
    private final long limitNanos;
    private final long beginNanos = System.nanoTime();
    private long lastProcessorNanos;
    private long shortestNanos = Long.MAX_VALUE;
    private int steps = -1;

    Stopwatch(Duration limit) {
      this.limitNanos = limit.toNanos();
    }

    @Override
    public boolean getAsBoolean() {
      long processor = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
      steps++;
      if (steps > 0) {
        shortestNanos = Math.min(shortestNanos, Math.max(1, processor - lastProcessorNanos));
      }
      lastProcessorNanos = processor;
      // A step of seconds need not be warm.
      long limit = steps > WARM_UP_STEPS ? limitNanos : 2 * limitNanos;
      return steps > 0 && System.nanoTime() - beginNanos >= limit;
    }

    double secondsPerStep() {
      return NANO * shortestNanos;
    }
  }
}
