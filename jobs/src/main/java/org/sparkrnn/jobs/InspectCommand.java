package org.sparkrnn.jobs;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.sparkrnn.common.config.SoftmaxConfig;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.corpus.TokenReader;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.common.storage.Json;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.reference.GradientFlow;
import org.sparkrnn.worker.training.TrainingCheckpoint;
import org.sparkrnn.worker.training.TrainingState;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code inspect}: what a checkpoint holds. Runs in this JVM, without Spark. */
@Command(
    name = "inspect",
    description = "Shows the model in a checkpoint and, on request, how far its gradients reach.",
    mixinStandardHelpOptions = true,
    versionProvider = RootCommand.Version.class)
final class InspectCommand implements Callable<Integer> {
  private static final int[] LAGS_PER_DECADE = {1, 2, 5};

  private final Console console;

  @Mixin private CheckpointOptions checkpoint = new CheckpointOptions();

  @Option(
      names = "--gradient-flow",
      description =
          "Print the norm of the loss's gradient by the hidden state of so many steps before;"
              + " needs --corpus.")
  private boolean gradientFlow;

  @Option(
      names = "--corpus",
      paramLabel = "CORPUS",
      description = "Its corpus, for --gradient-flow.")
  private String corpus = "";

  @Option(
      names = "--split",
      paramLabel = "train|valid|test",
      defaultValue = "valid",
      description = "Which part of it (default: ${DEFAULT-VALUE}).")
  private String split = "";

  @Option(
      names = "--lags",
      paramLabel = "N",
      defaultValue = "100",
      description = "Steps to go back (default: ${DEFAULT-VALUE}).")
  private int lags;

  @Option(
      names = "--places",
      paramLabel = "N",
      defaultValue = "8",
      description = "Places in the split to begin from (default: ${DEFAULT-VALUE}).")
  private int places;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  InspectCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (gradientFlow && corpus.isEmpty()) {
      throw new BadInputException("Cannot follow gradients: --corpus is missing");
    }
    if (lags < 1 || places < 1) {
      throw new BadInputException(
          "Cannot follow gradients over --lags %d at --places %d: both must be positive"
              .formatted(lags, places));
    }
    HadoopFiles files = Session.files();
    SavedModel model = checkpoint.open(console, files);
    if (gradientFlow) {
      model.requireLanguageModel("follow gradients");
    }
    TrainingCheckpoint saved = model.checkpoint();
    float[] parameters = saved.parameters();
    Optional<GradientFlow> flow =
        gradientFlow ? Optional.of(flow(files, saved, parameters)) : Optional.empty();
    if (json) {
      console.out().println(Json.line(fields(saved, parameters, flow)));
    } else {
      printModel(saved, parameters);
      flow.ifPresent(this::printFlow);
    }
    return 0;
  }

  private GradientFlow flow(HadoopFiles files, TrainingCheckpoint saved, float[] parameters)
      throws IOException {
    CorpusReader reader = new CorpusReader(files, corpus);
    saved.requireVocabulary(reader.vocabulary());
    long tokens = reader.manifest().split(split).tokens();
    try (TokenReader source = reader.tokens(split)) {
      return GradientFlow.of(saved.spec(), parameters, source::read, tokens, places, lags);
    }
  }

  /** One number where all layers have it. */
  private static String softmax(SoftmaxConfig config) {
    return switch (config.softmax()) {
      case FULL -> "";
      case ADAPTIVE -> ", adaptive softmax cut at " + sizes(config.softmaxCutoffs());
      case SAMPLED ->
          ", softmax trained with %d words at a time".formatted(config.softmaxSamples());
    };
  }

  private static String sizes(List<Integer> hidden) {
    boolean equal = hidden.stream().distinct().count() == 1;
    return hidden.stream()
        .limit(equal ? 1 : hidden.size())
        .map("%,d"::formatted)
        .collect(Collectors.joining(", "));
  }

  private static List<Integer> outputs(ModelSpec spec) {
    return IntStream.range(0, spec.layers()).mapToObj(spec::output).toList();
  }

  private void printModel(TrainingCheckpoint saved, float[] parameters) {
    ModelSpec spec = saved.spec();
    TrainingState state = saved.state();
    print("%s", saved.checkpoint().path());
    print(
        "  model       %s, %s of %s units%s%s%s%s, %s%s, %s%s",
        spec.cell(),
        Console.count(spec.layers(), "layer"),
        sizes(spec.hidden()),
        Collections.max(spec.projection()) > 0 ? " projected to " + sizes(outputs(spec)) : "",
        spec.normalised() ? " with layer normalisation" : "",
        switch (spec.task().bidirectional()) {
          case NONE -> "";
          case CONCAT -> " in both directions";
          case SUM -> " in both directions, which are added";
        },
        spec.residual() ? " with residual connections" : "",
        spec.task().dense()
            ? "dense input"
            : spec.isOneHot() ? "one-hot input" : "embedding of " + spec.embedding(),
        spec.tied() ? ", which the output shares" : "",
        saved.schema(),
        softmax(spec.softmax()));
    print("  parameters  %,d", parameters.length);
    print(
        "  trained     step %,d, epoch %d, %,d %s in %,d rounds of %s",
        state.step(),
        state.epoch(),
        state.tokens(),
        state.plan().unit().word(),
        state.round(),
        Console.count(saved.config().training().replicas(), "replica"));
    if (state.bestStep() > 0) {
      print(
          "  validation  %s %.4f at best, at step %,d",
          spec.task().isOfSequences() ? "loss" : "nats per token",
          state.bestLoss(),
          state.bestStep());
    }
    print("");
    print("  %-24s %16s %18s %12s", "block", "shape", "root mean square", "largest");
    for (ParameterBlock block : spec.layout().blocks()) {
      print(
          "  %-24s %16s %18.5f %12.5f",
          block.name(),
          block.shape(),
          rootMeanSquare(parameters, block),
          largest(parameters, block));
    }
  }

  private void printFlow(GradientFlow flow) {
    boolean cells = !flow.cellNorms().isEmpty();
    print("");
    print(
        "  Norm of the gradient of the loss by each layer's hidden state%s of so many steps before",
        cells ? " h and cell state c" : "");
    Map<String, double[]> columns = new LinkedHashMap<>();
    for (int layer = 0; layer < flow.norms().size(); layer++) {
      columns.put("layer " + layer + (cells ? " h" : ""), flow.norms().get(layer));
      if (cells) {
        columns.put("layer " + layer + " c", flow.cellNorms().get(layer));
      }
    }
    StringBuilder header = new StringBuilder("  %6s".formatted("lag"));
    columns.keySet().forEach(name -> header.append("%12s".formatted(name)));
    print("%s", header);
    for (int lag : shownLags()) {
      StringBuilder row = new StringBuilder("  %6d".formatted(lag));
      columns
          .values()
          .forEach(norms -> row.append(String.format(Locale.ROOT, "%12.3g", norms[lag])));
      print("%s", row);
    }
    columns.forEach(this::printSpeed);
  }

  /** How fast it falls or grows; by a cell state from lag 1, where it begins. */
  private void printSpeed(String name, double[] norms) {
    int first = norms[0] == 0 ? 1 : 0;
    int steps = lags - first;
    double bits = Math.log(norms[first] / norms[lags]) / Math.log(2);
    if (steps > 0 && Double.isFinite(bits)) {
      print(
          "  %s: over %d steps it %s %.3g-fold, it %s every %.1f steps.",
          name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1),
          steps,
          bits > 0 ? "falls" : "grows",
          Math.pow(2, Math.abs(bits)),
          bits > 0 ? "halves" : "doubles",
          steps / Math.abs(bits));
    }
  }

  /** 0, 1, 2, 5, 10, 20, 50 … and the largest. */
  private List<Integer> shownLags() {
    List<Integer> shown = new ArrayList<>(List.of(0));
    for (long decade = 1; decade <= lags; decade *= 10) {
      for (int digit : LAGS_PER_DECADE) {
        if (digit * decade < lags) {
          shown.add((int) (digit * decade));
        }
      }
    }
    shown.add(lags);
    return shown;
  }

  private static Map<String, Object> fields(
      TrainingCheckpoint saved, float[] parameters, Optional<GradientFlow> flow) {
    Map<String, Object> fields = new TreeMap<>();
    fields.put("checkpoint", saved.checkpoint().path());
    fields.put("parameters", parameters.length);
    fields.put("step", saved.state().step());
    fields.put("epoch", saved.state().epoch());
    fields.put("tokens", saved.state().tokens());
    if (saved.state().bestStep() > 0) {
      fields.put("best_loss_nats_per_token", saved.state().bestLoss());
    }
    List<Map<String, Object>> blocks = new ArrayList<>();
    for (ParameterBlock block : saved.spec().layout().blocks()) {
      blocks.add(
          new TreeMap<>(
              Map.of(
                  "name", block.name(),
                  "shape", block.shape(),
                  "root_mean_square", rootMeanSquare(parameters, block),
                  "largest", largest(parameters, block))));
    }
    fields.put("blocks", blocks);
    flow.ifPresent(
        found -> {
          fields.put("gradient_norms", found.norms()); // [layer][lag]
          fields.put("cell_gradient_norms", found.cellNorms());
        });
    return fields;
  }

  private static double rootMeanSquare(float[] parameters, ParameterBlock block) {
    double sum = 0;
    for (int i = block.offset(); i < block.offset() + block.size(); i++) {
      sum += (double) parameters[i] * parameters[i];
    }
    return Math.sqrt(sum / block.size());
  }

  private static double largest(float[] parameters, ParameterBlock block) {
    double largest = 0;
    for (int i = block.offset(); i < block.offset() + block.size(); i++) {
      largest = Math.max(largest, Math.abs(parameters[i]));
    }
    return largest;
  }

  private void print(String format, Object... arguments) {
    PrintStream out = console.out();
    out.println(String.format(Locale.ROOT, format, arguments));
  }
}
