package org.sparkrnn.driver.sequences;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.sequences.SequenceCorpus;
import org.sparkrnn.common.sequences.SequenceReader;
import org.sparkrnn.common.sequences.SequenceSchema;
import org.sparkrnn.driver.sequences.SequenceRequest.Format;
import org.sparkrnn.driver.sequences.SequenceRequest.Series;
import org.sparkrnn.driver.storage.HadoopFiles;

class SequenceTokenizerTest {
  private static final Series NO_SERIES =
      new Series(List.of(), List.of(), 1, 1, 1, true, List.of());

  @TempDir Path folder;
  private final HadoopFiles files = new HadoopFiles(new Configuration());

  private String file(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text, StandardCharsets.UTF_8);
    return file.toString();
  }

  private SequenceRequest request(Format format, Unit unit, List<Double> split, String... inputs) {
    return new SequenceRequest(
        format,
        List.of(inputs),
        List.of(),
        List.of(),
        folder.resolve("corpus").toString(),
        unit,
        split,
        1,
        0,
        1,
        2,
        NO_SERIES);
  }

  private SequenceCorpus tokenize(SequenceRequest request) throws IOException {
    SequenceTokenizer.run(files, request);
    assertThat(folder.resolve("corpus/_tokenizing.json")).doesNotExist();
    return new SequenceCorpus(files, request.output());
  }

  /** Label or tags, and text of each sequence of a split. */
  private static List<String> read(SequenceCorpus corpus, String split) throws IOException {
    List<String> read = new ArrayList<>();
    Vocabulary vocabulary = corpus.vocabulary();
    SequenceSchema schema = corpus.schema();
    try (SequenceReader reader = corpus.sequences(split)) {
      for (long i = 0; i < reader.size(); i++) {
        int length = reader.length(i);
        int[] tokens = new int[length];
        int[] tags = new int[length];
        reader.tokens(i, tokens, length);
        if (schema.output() == SequenceSchema.Output.TAGS) {
          reader.tags(i, tags, length);
        } else {
          tags = new int[] {reader.label(i)};
        }
        StringBuilder line = new StringBuilder();
        for (int tag : tags) {
          line.append(schema.names().get(tag)).append(' ');
        }
        line.append('|');
        for (int token : tokens) {
          line.append(' ').append(vocabulary.token(token));
        }
        read.add(line.toString());
      }
    }
    return read;
  }

  @Test
  void labelledLinesBecomeSequences() throws IOException {
    String input = file("in.txt", "pos a b  a\r\nneg\tc a\n\npos b");
    SequenceCorpus corpus = tokenize(request(Format.LABELLED, Unit.WORD, List.of(), input));
    assertThat(read(corpus, "train")).containsExactly("pos | a b a", "neg | c a", "pos | b");
    assertThat(corpus.vocabulary().tokens()).containsExactly("a", "b", "c", "<unk>");
    assertThat(corpus.schema().names()).containsExactly("pos", "neg");
  }

  @Test
  void namesOfFilesAreLabels() throws IOException {
    file("names/B.txt", "Ōe\nAb\n");
    file("names/A.txt", "bA\n");
    SequenceCorpus corpus =
        tokenize(request(Format.FILES, Unit.CHAR, List.of(), folder.resolve("names").toString()));
    assertThat(read(corpus, "train")).containsExactly("A | b A", "B | Ō e", "B | A b");
  }

  @Test
  void columnsAreTokensAndTags() throws IOException {
    String input = file("in.conll", "The DT\ndog NN\n\n\nruns VB");
    SequenceCorpus corpus = tokenize(request(Format.TAGGED, Unit.CHAR, List.of(), input));
    assertThat(read(corpus, "train")).containsExactly("DT NN | The dog", "VB | runs");
    assertThat(corpus.vocabulary().unit()).isEqualTo(Unit.WORD);
  }

  @Test
  void conlluLeavesOutWhatIsNoWord() throws IOException {
    String input =
        file(
            "in.conllu",
            "# text = don't\n1-2\tdon't\t_\t_\n1\tdo\t_\tAUX\n2\tn't\t_\tPART\n2.1\tx\t_\tX\n\n");
    SequenceRequest request =
        new SequenceRequest(
            Format.CONLLU,
            List.of(input),
            List.of(),
            List.of(),
            folder.resolve("corpus").toString(),
            Unit.WORD,
            List.of(),
            1,
            0,
            2,
            4,
            NO_SERIES);
    assertThat(read(tokenize(request), "train")).containsExactly("AUX PART | do n't");
  }

  @Test
  void splitsAreRandomAndTheSameEveryTime() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 100; i++) {
      text.append(i < 50 ? "a " : "b ").append("w").append(i).append('\n');
    }
    String input = file("in.txt", text.toString());
    SequenceRequest request = request(Format.LABELLED, Unit.WORD, List.of(80.0, 10.0, 10.0), input);
    SequenceCorpus corpus = tokenize(request);
    assertThat(read(corpus, "train")).hasSize(80);
    assertThat(read(corpus, "valid")).hasSize(10);
    List<String> test = read(corpus, "test");
    Set<String> labels = new HashSet<>();
    test.forEach(line -> labels.add(line.substring(0, 1)));
    assertThat(labels).containsExactlyInAnyOrder("a", "b");
    // Words of the other splits are not in training: all unknown.
    assertThat(corpus.manifest().split("test").unknownTokens()).isEqualTo(10);
    assertThat(corpus.vocabulary().size()).isEqualTo(81);
  }

  @Test
  void tablesBecomeWindowsWithTheScaleOfTheTrainingRows() throws IOException {
    StringBuilder table = new StringBuilder("date,x,y\n");
    for (int i = 0; i < 20; i++) {
      table.append("d,").append(i).append(',').append(i % 2 == 0 ? 3 : 5).append('\n');
    }
    SequenceRequest request =
        new SequenceRequest(
            Format.NUMBERS,
            List.of(file("in.csv", table.toString())),
            List.of(),
            List.of(),
            folder.resolve("corpus").toString(),
            Unit.WORD,
            List.of(),
            1,
            0,
            1,
            2,
            new Series(List.of("x", "y"), List.of("y"), 3, 2, 1, true, List.of(10, 0, 8)));
    SequenceCorpus corpus = tokenize(request);
    SequenceSchema schema = corpus.schema();
    assertThat(schema.scales().get(0).mean()).isEqualTo(4.5);
    assertThat(schema.scales().get(1)).isEqualTo(new SequenceSchema.Scale(4, 1));
    assertThat(corpus.manifest().split("train").sequences()).isEqualTo(10 - 3 - 2 + 1);
    assertThat(corpus.manifest().split("test").sequences()).isEqualTo(8 - 2 + 1);
    float[] values = new float[6];
    float[] targets = new float[2];
    try (SequenceReader reader = corpus.sequences("test")) {
      reader.values(0, values, 3); // rows 7, 8, 9 before rows 10 and 11
      reader.targets(0, targets, 0);
    }
    assertThat(schema.scales().get(0).undo(values[4])).isCloseTo(9, within());
    assertThat(values[5]).isEqualTo(1f);
    assertThat(targets).containsExactly(-1f, 1f);
  }

  private static org.assertj.core.data.Offset<Double> within() {
    return org.assertj.core.data.Offset.offset(1e-5);
  }

  @Test
  void wrongInputIsNamedAndLeavesNothing() throws IOException {
    assertRefused(
        "Cannot read line 2 of",
        request(Format.LABELLED, Unit.WORD, List.of(), file("a", "x y\nz\n")));
    assertRefused(
        "expected at least 2 columns",
        request(Format.TAGGED, Unit.WORD, List.of(), file("b", "x\n")));
    assertRefused(
        "no sequence is left for split valid",
        request(Format.LABELLED, Unit.WORD, List.of(50.0, 1.0, 49.0), file("c", "x y\nx z\n")));
    Path bytes = folder.resolve("d");
    Files.write(bytes, new byte[] {'x', ' ', (byte) 0xff, '\n'});
    assertRefused("not UTF-8", request(Format.LABELLED, Unit.WORD, List.of(), bytes.toString()));
    SequenceRequest numbers =
        request(Format.NUMBERS, Unit.WORD, List.of(), file("e", "date,x\nmonday,1\n"));
    assertRefused("\"monday\" in column date is no number; --columns names those to use", numbers);
  }

  private void assertRefused(String why, SequenceRequest request) {
    assertThatThrownBy(() -> SequenceTokenizer.run(files, request))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining(why);
    assertThat(folder.resolve("corpus")).doesNotExist();
  }
}
