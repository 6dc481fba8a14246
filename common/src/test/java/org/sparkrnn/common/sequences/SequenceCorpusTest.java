package org.sparkrnn.common.sequences;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.sequences.SequenceSchema.Input;
import org.sparkrnn.common.sequences.SequenceSchema.Output;
import org.sparkrnn.common.sequences.SequenceSchema.Scale;
import org.sparkrnn.common.storage.LocalFiles;

class SequenceCorpusTest {
  private static final Vocabulary LETTERS = Vocabulary.of(Unit.CHAR, List.of("a", "b", "c"));
  private static final SequenceSchema TAGS =
      SequenceSchema.ofTokens(Output.TAGS, List.of("X", "Y"));
  private static final int[][] TOKENS = {{0, 1, 2}, {2}, {1, 1}};
  private static final int[][] CLASSES = {{0, 0, 1}, {1}, {1, 0}};

  @TempDir Path folder;
  private final LocalFiles files = new LocalFiles();

  private String path() {
    return folder.toString();
  }

  private void writeTags() throws IOException {
    SequenceManifest empty = SequenceManifest.of(LETTERS, TAGS, Map.of());
    try (SplitWriter writer = new SplitWriter(files, path(), "train", empty, 3, 6)) {
      for (int i = 0; i < 3; i++) {
        writer.write(TOKENS[i], TOKENS[i].length, CLASSES[i]);
      }
      SequenceCorpus.finish(files, path(), LETTERS, TAGS, Map.of("train", writer.finish(2)));
    }
  }

  /** Reads all of a corpus of tags. */
  private List<String> readTags() throws IOException {
    SequenceCorpus corpus = new SequenceCorpus(files, path());
    List<String> read = new ArrayList<>();
    read.add(corpus.vocabulary() + " " + corpus.schema());
    try (SequenceReader reader = corpus.sequences("train")) {
      for (long i = reader.size() - 1; i >= 0; i--) { // any order
        int[] tokens = new int[reader.length(i)];
        int[] tags = new int[tokens.length];
        reader.tokens(i, tokens, tokens.length);
        reader.tags(i, tags, tags.length);
        read.add(i + " " + java.util.Arrays.toString(tokens) + java.util.Arrays.toString(tags));
      }
    }
    return read;
  }

  @Test
  void sequencesOfTokensAreReadAsWritten() throws IOException {
    writeTags();
    assertThat(readTags().subList(1, 4))
        .containsExactly("2 [1, 1][1, 0]", "1 [2][1]", "0 [0, 1, 2][0, 0, 1]");
    SequenceSplit split = new SequenceCorpus(files, path()).manifest().split("train");
    assertThat(split.longest()).isEqualTo(3);
    assertThat(split.steps()).isEqualTo(6);
    assertThat(split.unknownTokens()).isEqualTo(2);
  }

  @Test
  void sequencesOfNumbersAreReadAsWritten() throws IOException {
    Vocabulary columns = Vocabulary.of(Unit.WORD, List.of("load", "oil"));
    SequenceSchema schema =
        new SequenceSchema(
            Input.VALUES,
            Output.TARGETS,
            List.of("oil"),
            List.of(new Scale(1, 2), new Scale(0, 1)),
            List.of(1),
            3);
    SequenceManifest empty = SequenceManifest.of(columns, schema, Map.of());
    float[] values = {1, 2, 3, 4, 0.5f, -1};
    float[] targets = {7, 8, 9};
    try (SplitWriter writer = new SplitWriter(files, path(), "test", empty, 2, 4)) {
      writer.write(values, 3, targets);
      writer.write(new float[] {5, 6}, 1, new float[] {0, 1, 2});
      SequenceCorpus.finish(files, path(), columns, schema, Map.of("test", writer.finish(0)));
    }
    SequenceCorpus corpus = new SequenceCorpus(files, path());
    assertThat(corpus.schema()).isEqualTo(schema);
    try (SequenceReader reader = corpus.sequences("test")) {
      float[] read = new float[6];
      reader.values(0, read, 3);
      assertThat(read).isEqualTo(values);
      float[] predicted = new float[5];
      reader.targets(0, predicted, 2);
      assertThat(predicted).containsExactly(0, 0, 7, 8, 9);
      assertThat(reader.length(1)).isEqualTo(1);
      assertThatThrownBy(() -> reader.values(1, read, 2))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
    assertThat(schema.scales().get(0).apply(5)).isEqualTo(2f);
    assertThat(schema.scales().get(0).undo(2)).isEqualTo(5);
  }

  /**
   * Whatever byte of whatever file is damaged: a sentence that names the file, or equal content.
   */
  @Test
  void everyDamagedByteIsFoundOrHarmless() throws IOException {
    writeTags();
    List<String> expected = readTags();
    SplittableRandom random = new SplittableRandom(7);
    List<Path> all;
    try (Stream<Path> walk = Files.walk(folder)) {
      all = walk.filter(Files::isRegularFile).toList();
    }
    assertThat(all).hasSize(6);
    for (Path file : all) {
      byte[] whole = Files.readAllBytes(file);
      for (int i = 0; i < 60; i++) {
        byte[] damaged = whole.clone();
        damaged[random.nextInt(whole.length)] ^= (byte) (1 << random.nextInt(8));
        requireFoundOrEqual(file, damaged, expected);
        requireFoundOrEqual(
            file, java.util.Arrays.copyOf(whole, random.nextInt(whole.length)), expected);
      }
      Files.write(file, whole);
    }
    assertThat(readTags()).isEqualTo(expected);
  }

  private void requireFoundOrEqual(Path file, byte[] content, List<String> expected)
      throws IOException {
    Files.write(file, content);
    try {
      assertThat(readTags()).isEqualTo(expected);
    } catch (CorruptFileException e) {
      assertThat(e.getMessage()).contains(file.getFileName().toString());
    }
  }

  /** Checksums of a hostile writer are right; offsets, counts and names still cannot mislead. */
  @Test
  void offsetsThatDoNotFitAreRefused() throws IOException {
    writeTags();
    long[][] wrong = {{0, 3, 2, 6}, {0, 4, 5, 6}, {-1, 3, 4, 6}, {0, 3, 4, 7}, {0, 3, 3, 6}};
    for (long[] offsets : wrong) {
      SequenceManifest manifest = new SequenceCorpus(files, path()).manifest();
      SequenceSplit split = manifest.split("train");
      Map<String, org.sparkrnn.common.corpus.Shard> arrays =
          new java.util.TreeMap<>(split.arrays());
      try (org.sparkrnn.common.corpus.ArrayWriter writer =
          new org.sparkrnn.common.corpus.ArrayWriter(
              files,
              path(),
              "train/offsets.npy",
              org.sparkrnn.common.corpus.ElementType.INT64,
              4)) {
        for (long offset : offsets) {
          writer.write(offset);
        }
        arrays.put("offsets", writer.finish());
      }
      SequenceCorpus.finish(
          files,
          path(),
          LETTERS,
          TAGS,
          Map.of("train", new SequenceSplit(3, 6, 3, 2, new java.util.TreeMap<>(arrays))));
      assertThatThrownBy(this::readTags)
          .isInstanceOf(CorruptFileException.class)
          .hasMessageContaining("offsets.npy");
    }
  }

  @Test
  void aCorpusOfAnotherKindIsNamed() throws IOException {
    assertThatThrownBy(() -> new SequenceCorpus(files, path()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("there is no manifest.json in it");
    writeTags();
    assertThatThrownBy(() -> new org.sparkrnn.common.corpus.CorpusReader(files, path()))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("spark-rnn sequences");
  }

  @Test
  void schemasThatMakeNoSenseAreRefused() {
    assertThatThrownBy(() -> SequenceSchema.ofTokens(Output.TARGETS, List.of("x")))
        .hasMessageContaining("targets are columns of values");
    assertThatThrownBy(() -> SequenceSchema.ofTokens(Output.LABELS, List.of("x", "x")))
        .hasMessageContaining("two names are equal");
    assertThatThrownBy(() -> new Scale(0, 0)).hasMessageContaining("deviation 0.0");
  }
}
