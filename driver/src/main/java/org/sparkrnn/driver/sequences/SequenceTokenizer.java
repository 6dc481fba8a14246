package org.sparkrnn.driver.sequences;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparkrnn.common.corpus.Split;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.sequences.SequenceCorpus;
import org.sparkrnn.common.sequences.SequenceManifest;
import org.sparkrnn.common.sequences.SequenceSchema;
import org.sparkrnn.common.sequences.SequenceSchema.Output;
import org.sparkrnn.common.sequences.SequenceSplit;
import org.sparkrnn.common.sequences.SplitWriter;
import org.sparkrnn.driver.sequences.SequenceRequest.Format;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.driver.tokenize.CorpusFolder;
import org.sparkrnn.driver.tokenize.InputFile;

/**
 * Makes a corpus of sequences: counts, makes vocabulary and schema, encodes, writes. The input is
 * read up to three times and never kept.
 */
public final class SequenceTokenizer {
  private static final int SPLITS = Split.NAMES.size();

  private final HadoopFiles files;
  private final SequenceRequest request;
  private final String output;
  private final LabelledText text;

  private SequenceTokenizer(HadoopFiles files, SequenceRequest request) {
    this.files = files;
    this.request = request;
    this.output = files.absolute(request.output());
    this.text = new LabelledText(files, request);
  }

  /**
   * Writes the corpus and returns its manifest. After a failure what existed before is unchanged,
   * and nothing new is left.
   *
   * @throws BadInputException if the input or the output cannot be used
   */
  public static SequenceManifest run(HadoopFiles files, SequenceRequest request)
      throws IOException {
    return new SequenceTokenizer(files, request).run();
  }

  private SequenceManifest run() throws IOException {
    List<List<InputFile>> inputs = new ArrayList<>();
    for (List<String> paths : List.of(request.input(), request.valid(), request.test())) {
      inputs.add(InputFile.list(files, paths.stream().map(files::absolute).toList()));
    }
    CorpusFolder folder = new CorpusFolder(files, output, false);
    folder.check();
    folder.begin();
    try {
      SequenceManifest[] written = new SequenceManifest[1];
      if (request.format() == Format.NUMBERS) {
        SeriesTable table = SeriesTable.read(files, inputs.get(0), request.series());
        Map<String, SequenceSplit> splits = table.write(files, output, request);
        folder.end(
            () ->
                written[0] =
                    SequenceCorpus.finish(
                        files, output, table.vocabulary(), table.schema(), splits));
      } else {
        Counts counts = count(inputs);
        Vocabulary vocabulary = vocabulary(counts);
        SequenceSchema schema = schema(counts);
        Map<String, SequenceSplit> splits = write(inputs, counts, vocabulary, schema);
        folder.end(
            () -> written[0] = SequenceCorpus.finish(files, output, vocabulary, schema, splits));
      }
      return written[0];
    } catch (IOException | RuntimeException | Error e) {
      try {
        folder.abandon();
      } catch (IOException abandoning) {
        e.addSuppressed(abandoning);
      }
      if (e instanceof AccessDeniedException) {
        throw new BadInputException(
            "Cannot tokenize into %s: no permission (%s)".formatted(output, e.getMessage()), e);
      }
      throw e;
    }
  }

  /** What there is, by split. */
  private static final class Counts {
    private final Kinds tokens = new Kinds();
    private final Kinds classes = new Kinds();
    private final long[] sequences = new long[SPLITS];
    private final long[] steps = new long[SPLITS];
    private long numbered;
  }

  /** Tells the split of each sequence, in the order they are read. */
  private interface Visitor {
    void sequence(int split, List<String> tokens, List<String> classes) throws IOException;
  }

  private void forEach(List<List<InputFile>> inputs, Counts counts, Visitor visitor)
      throws IOException {
    boolean cut = !request.splitPercent().isEmpty();
    SplitOrder order =
        cut
            ? new SplitOrder(counts.numbered, request.splitPercent())
            : new SplitOrder(0, List.of(100.0, 0.0, 0.0));
    for (int split = 0; split < inputs.size(); split++) {
      int own = split;
      long[] number = new long[1];
      text.forEach(
          inputs.get(split),
          (tokens, classes) ->
              visitor.sequence(cut ? order.splitOf(number[0]++) : own, tokens, classes));
    }
  }

  private Counts count(List<List<InputFile>> inputs) throws IOException {
    Counts counts = new Counts();
    if (!request.splitPercent().isEmpty()) {
      text.forEach(inputs.get(0), (tokens, classes) -> counts.numbered++);
    }
    forEach(
        inputs,
        counts,
        (split, tokens, classes) -> {
          counts.sequences[split]++;
          counts.steps[split] += tokens.size();
          if (split == 0) {
            tokens.forEach(token -> counts.tokens.add(token, 1));
          }
          classes.forEach(name -> counts.classes.add(name, split == 0 ? 1 : 0));
        });
    for (int split = 0; split < SPLITS; split++) {
      boolean wanted =
          request.splitPercent().isEmpty()
              ? !inputs.get(split).isEmpty()
              : request.splitPercent().get(split) > 0;
      if (wanted && counts.sequences[split] == 0) {
        throw new BadInputException(
            "Cannot tokenize %s: no sequence is left for split %s"
                .formatted(String.join(",", request.input()), Split.NAMES.get(split)));
      }
    }
    return counts;
  }

  private Unit unit() {
    boolean columns = request.format() == Format.TAGGED || request.format() == Format.CONLLU;
    return columns ? Unit.WORD : request.unit();
  }

  /** Kinds of the training split; the unknown one is always among them. */
  private Vocabulary vocabulary(Counts counts) {
    int most = request.maxVocabulary() == 0 ? Integer.MAX_VALUE : request.maxVocabulary() - 1;
    List<String> kinds = new ArrayList<>(counts.tokens.ordered(request.minCount(), most));
    if (!kinds.contains(Vocabulary.UNKNOWN)) {
      kinds.add(Vocabulary.UNKNOWN);
    }
    return Vocabulary.of(unit(), kinds);
  }

  private SequenceSchema schema(Counts counts) {
    boolean columns = request.format() == Format.TAGGED || request.format() == Format.CONLLU;
    return SequenceSchema.ofTokens(
        columns ? Output.TAGS : Output.LABELS, counts.classes.ordered(0, Integer.MAX_VALUE));
  }

  private Map<String, SequenceSplit> write(
      List<List<InputFile>> inputs, Counts counts, Vocabulary vocabulary, SequenceSchema schema)
      throws IOException {
    SequenceManifest empty = SequenceManifest.of(vocabulary, schema, Map.of());
    Vocabulary names = Vocabulary.of(Unit.WORD, schema.names());
    int unknown = vocabulary.unknown().orElseThrow();
    long[] unknownTokens = new long[SPLITS];
    List<SplitWriter> writers = new ArrayList<>();
    try {
      for (int split = 0; split < SPLITS; split++) {
        if (counts.sequences[split] > 0) {
          writers.add(
              new SplitWriter(
                  files,
                  output,
                  Split.NAMES.get(split),
                  empty,
                  counts.sequences[split],
                  counts.steps[split]));
        }
      }
      forEach(
          inputs,
          counts,
          (split, tokens, classes) -> {
            int[] indices = new int[tokens.size()];
            for (int i = 0; i < indices.length; i++) {
              int index = vocabulary.indexOf(tokens.get(i));
              indices[i] = index < 0 ? unknown : index;
              unknownTokens[split] += index < 0 ? 1 : 0;
            }
            int[] numbers = classes.stream().mapToInt(names::indexOf).toArray();
            writers.get(writerOf(counts, split)).write(indices, indices.length, numbers);
          });
      Map<String, SequenceSplit> splits = new TreeMap<>();
      for (int split = 0; split < SPLITS; split++) {
        if (counts.sequences[split] > 0) {
          splits.put(
              Split.NAMES.get(split),
              writers.get(writerOf(counts, split)).finish(unknownTokens[split]));
        }
      }
      return splits;
    } finally {
      for (SplitWriter writer : writers) {
        writer.close();
      }
    }
  }

  /** Splits without sequences have no writer. */
  private static int writerOf(Counts counts, int split) {
    int writer = 0;
    for (int before = 0; before < split; before++) {
      writer += counts.sequences[before] > 0 ? 1 : 0;
    }
    return writer;
  }

  /** The tokens of a text as indices of a vocabulary; the unknown one's for those outside. */
  public static int[] encode(Vocabulary vocabulary, String line) {
    return LabelledText.tokens(vocabulary.unit(), line).stream()
        .mapToInt(
            token -> {
              int index = vocabulary.indexOf(token);
              return index < 0 ? vocabulary.unknown().orElseThrow() : index;
            })
        .toArray();
  }
}
