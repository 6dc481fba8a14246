package org.sparkrnn.jobs;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.sparkrnn.common.config.CorpusConfig;
import org.sparkrnn.common.corpus.CorpusManifest;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.sequences.SequenceManifest;
import org.sparkrnn.common.sequences.SequenceSplit;
import org.sparkrnn.driver.sequences.SequenceRequest;
import org.sparkrnn.driver.sequences.SequenceTokenizer;
import org.sparkrnn.driver.tokenize.TokenizeJob;
import org.sparkrnn.driver.tokenize.TokenizeRequest;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tokenize}: text files or tables to a corpus. */
@Command(
    name = "tokenize",
    description = "Cuts text into tokens, or a table into sequences, and writes a corpus.",
    mixinStandardHelpOptions = true,
    versionProvider = RootCommand.Version.class)
final class TokenizeCommand implements Callable<Integer> {
  private static final List<String> SPLITS = List.of("train", "valid", "test");

  private final Console console;

  @Option(
      names = "--input",
      required = true,
      paramLabel = "PATH[,PATH...]",
      description = "Text files, folders or globs, plain or compressed, separated by commas.")
  private String input = "";

  @Option(
      names = "--unit",
      paramLabel = "char|word",
      description =
          "What a token is: a Unicode character, or what stands between white space (--format text:"
              + " with <eos> at line ends).")
  private Optional<Unit> unit = Optional.empty();

  @Option(
      names = "--output",
      required = true,
      paramLabel = "CORPUS",
      description = "Folder of the corpus; must not exist, or with --append hold a corpus.")
  private String output = "";

  @Option(names = "--valid", paramLabel = "PATH", description = "Validation text.")
  private String valid = "";

  @Option(names = "--test", paramLabel = "PATH", description = "Test text.")
  private String test = "";

  @Option(
      names = "--split",
      paramLabel = "90,5,5",
      description = "Per cent of the input that become training, validation and test text.")
  private String split = "";

  @Option(
      names = "--vocabulary",
      paramLabel = "CORPUS|FILE",
      description = "Use the vocabulary of a corpus or a file instead of making one.")
  private String vocabulary = "";

  @Option(names = "--append", description = "Add to the training text of an existing corpus.")
  private boolean append;

  @Option(
      names = "--min-count",
      paramLabel = "N",
      defaultValue = "1",
      description = "Words that occur less often become <unk> (default: ${DEFAULT-VALUE}).")
  private int minCount;

  @Option(
      names = "--max-vocabulary",
      paramLabel = "N",
      defaultValue = "0",
      description = "Keep the N most frequent kinds (default: ${DEFAULT-VALUE}, no limit).")
  private int maxVocabulary;

  @Option(
      names = "--replace-invalid",
      description = "Read invalid UTF-8 as U+FFFD instead of refusing it.")
  private boolean replaceInvalid;

  @Mixin private SequenceOptions sequences = new SequenceOptions();

  TokenizeCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    List<Double> percent =
        split.isEmpty() ? List.of() : CorpusConfig.splitPercent("--split", split);
    if (sequences.needsUnit() && unit.isEmpty()) {
      throw new BadInputException("Cannot tokenize: --unit is missing, char or word");
    }
    if (!sequences.isText()) {
      return tokenizeSequences(percent);
    }
    TokenizeRequest request =
        TokenizeRequest.builder(TokenizeRequest.paths(input), unit.orElseThrow(), output)
            .valid(TokenizeRequest.paths(valid))
            .test(TokenizeRequest.paths(test))
            .splitPercent(percent)
            .vocabulary(vocabulary)
            .append(append)
            .minCount(minCount)
            .maxVocabulary(maxVocabulary)
            .replaceInvalid(replaceInvalid)
            .build();
    try (Session session = Session.start(console, "tokenize", Map.of())) {
      print(console.out(), output, TokenizeJob.run(session.spark(), request));
    }
    return 0;
  }

  private int tokenizeSequences(List<Double> percent) throws IOException {
    if (append || replaceInvalid || !vocabulary.isEmpty()) {
      throw new BadInputException(
          "Cannot tokenize: --append, --replace-invalid and --vocabulary are for --format text only");
    }
    SequenceRequest request =
        sequences.request(
            input, valid, test, output, unit.orElse(Unit.WORD), percent, minCount, maxVocabulary);
    SequenceManifest manifest = SequenceTokenizer.run(Session.files(), request);
    StringBuilder line = new StringBuilder("Corpus %s:".formatted(output));
    for (String name : SPLITS) {
      if (manifest.splits().containsKey(name)) {
        SequenceSplit part = manifest.split(name);
        line.append(
            " %s %,d of up to %,d steps,".formatted(name, part.sequences(), part.longest()));
      }
    }
    console.out().println(line.append(described(manifest)));
    return 0;
  }

  private static String described(SequenceManifest manifest) {
    return switch (manifest.output()) {
      case LABELS ->
          " %,d kinds of tokens, %,d labels"
              .formatted(manifest.vocabularySize(), manifest.outputs());
      case TAGS ->
          " %,d kinds of tokens, %,d tags".formatted(manifest.vocabularySize(), manifest.outputs());
      case TARGETS ->
          " %,d columns, %,d numbers to predict"
              .formatted(manifest.vocabularySize(), manifest.outputs());
    };
  }

  /** One line that says what the corpus holds. */
  static void print(PrintStream out, String path, CorpusManifest manifest) {
    StringBuilder line = new StringBuilder("Corpus %s:".formatted(path));
    for (String name : SPLITS) {
      if (manifest.splits().containsKey(name)) {
        line.append(" %s %,d,".formatted(name, manifest.split(name).tokens()));
      }
    }
    out.println(line.append(" %,d kinds of tokens".formatted(manifest.vocabularySize())));
  }
}
