package org.sparkrnn.common.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.FakeFiles;

class CorpusReaderTest {
  private static final long SEED = 20240501;

  @TempDir Path directory;

  private final FakeFiles files = new FakeFiles();

  private static Vocabulary vocabulary(int size) {
    return Vocabulary.of(Unit.WORD, IntStream.range(0, size).mapToObj(i -> "w" + i).toList());
  }

  private String corpus() {
    return directory.resolve("corpus").toString();
  }

  private static int[] randomTokens(int count, int vocabulary) {
    return new Random(SEED).ints(count, 0, vocabulary).toArray();
  }

  /** Writes a corpus whose split train has these shards. */
  private CorpusReader write(int vocabularySize, int[]... shards) throws IOException {
    Vocabulary vocabulary = vocabulary(vocabularySize);
    List<Shard> written = new ArrayList<>();
    for (int[] tokens : shards) {
      String name = Shard.name("train", written.size());
      try (ShardWriter writer =
          new ShardWriter(files, corpus(), name, vocabularySize, tokens.length)) {
        writer.write(tokens, 0, tokens.length);
        written.add(writer.finish());
      }
    }
    Channels.writeAll(files, corpus() + "/" + Vocabulary.FILE, vocabulary.toJson());
    CorpusManifest.of(vocabulary, Map.of("train", new Split(7, written))).write(files, corpus());
    return new CorpusReader(files, corpus());
  }

  private void flip(String name, long offset) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(corpus() + "/" + name, "rw")) {
      file.seek(offset);
      int value = file.read();
      file.seek(offset);
      file.write(value ^ 1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {300, 65_536, 65_537})
  void randomReadsAcrossPagesBlocksAndShardsGiveTheTokensThatWereWritten(int vocabularySize)
      throws IOException {
    int[] all = randomTokens(1_500_000, vocabularySize);
    all[0] = vocabularySize - 1;
    int[] first = java.util.Arrays.copyOfRange(all, 0, 600_001);
    int[] second = java.util.Arrays.copyOfRange(all, 600_001, 600_003);
    int[] third = java.util.Arrays.copyOfRange(all, 600_003, all.length);
    CorpusReader corpus =
        write(vocabularySize, new int[0], first, new int[0], second, third, new int[0]);
    Random random = new Random(SEED);
    Split split = corpus.manifest().split("train");
    try (TokenReader reader = new TokenReader(files, corpus(), corpus.manifest(), split, 3)) {
      assertThat(reader.tokens()).isEqualTo(all.length);
      int[] target = new int[200_010];
      for (int i = 0; i < 200; i++) {
        int count = i % 20 == 0 ? 200_000 : random.nextInt(300);
        int from = random.nextInt(all.length - count + 1);
        reader.read(from, target, 10, count);
        assertThat(java.util.Arrays.equals(target, 10, 10 + count, all, from, from + count))
            .as("seed %d, read %d", SEED, i)
            .isTrue();
      }
      reader.read(600_000, target, 0, 4);
      assertThat(target).startsWith(all[600_000], all[600_001], all[600_002], all[600_003]);
      reader.read(all.length - 1, target, 0, 1);
      reader.read(all.length, target, 0, 0);
    }
  }

  @Test
  void theElementTypeFollowsTheVocabulary() {
    assertThat(ElementType.forVocabulary(65_536)).isEqualTo(ElementType.UINT16);
    assertThat(ElementType.forVocabulary(65_537)).isEqualTo(ElementType.INT32);
  }

  @Test
  void readsOutsideTheSplitAreRefused() throws IOException {
    CorpusReader corpus = write(10, new int[] {1, 2, 3});
    try (TokenReader reader = corpus.tokens("train")) {
      int[] target = new int[4];
      assertThatThrownBy(() -> reader.read(0, target, 0, 4))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> reader.read(-1, target, 0, 1))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> reader.read(0, target, 3, 2))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void aSmallSplitIsReadOnceHoweverOftenItIsUsed() throws IOException {
    int[] tokens = randomTokens(930_000, 10_000);
    CorpusReader corpus = write(10_000, tokens);
    try (TokenReader reader = corpus.tokens("train")) {
      readAllStreams(reader, 20, 35);
      readAllStreams(reader, 20, 35);
      assertThat(reader.bytesRead()).isEqualTo(128 + 2L * tokens.length);
    }
  }

  @Test
  void manyStreamsOfALargeSplitReadItTwiceAtMostInBoundedMemory() throws IOException {
    int[] tokens = randomTokens(12_000_000, 100);
    CorpusReader corpus = write(100, tokens);
    Split split = corpus.manifest().split("train");
    int pages = 64; // 4 MiB for a split of 23 MiB
    try (TokenReader reader = new TokenReader(files, corpus(), corpus.manifest(), split, pages)) {
      readAllStreams(reader, 50, 35);
      assertThat(reader.bytesRead()).isLessThan(2 * (128 + 2L * tokens.length) + 50 * (64 << 10));
    }
  }

  private static void readAllStreams(TokenReader reader, int streams, int window)
      throws IOException {
    long rows = reader.tokens() / streams;
    int[] target = new int[window + 1];
    for (long at = 0; at + window < rows; at += window) {
      for (int stream = 0; stream < streams; stream++) {
        reader.read(stream * rows + at, target, 0, window + 1);
      }
    }
  }

  @Test
  void aFlippedBitIsNamedWithFileAndByteAndOnlyWhereItIs() throws IOException {
    int[] tokens = randomTokens(1_200_000, 1000);
    CorpusReader corpus = write(1000, tokens);
    flip("train/shard-00000.npy", (1 << 20) + 12_345);
    try (TokenReader reader = corpus.tokens("train")) {
      int[] target = new int[100];
      reader.read(0, target, 0, 100);
      reader.read(1_150_000, target, 0, 100);
      assertThatThrownBy(() -> reader.read(600_000, target, 0, 100))
          .isInstanceOf(CorruptFileException.class)
          .hasMessageContaining("train/shard-00000.npy")
          .hasMessageContaining("byte 1048576")
          .hasMessageContaining("CRC32C");
    }
  }

  @Test
  void aShardOfAnotherLengthOrAMissingOneIsNamed() throws IOException {
    CorpusReader corpus = write(1000, randomTokens(5000, 1000));
    Path shard = Path.of(corpus(), "train/shard-00000.npy");
    byte[] bytes = Files.readAllBytes(shard);
    Files.write(shard, java.util.Arrays.copyOf(bytes, 9000));
    try (TokenReader reader = corpus.tokens("train")) {
      assertThatThrownBy(() -> reader.read(0, new int[1], 0, 1))
          .isInstanceOf(CorruptFileException.class)
          .hasMessageContaining("shard-00000.npy")
          .hasMessageContaining("9000")
          .hasMessageContaining("10128");
    }
    Files.delete(shard);
    try (TokenReader reader = corpus.tokens("train")) {
      assertThatThrownBy(() -> reader.read(0, new int[1], 0, 1))
          .hasMessageContaining("shard-00000.npy");
    }
  }

  @Test
  void aTokenBeyondTheVocabularyIsNamedThoughItsChecksumIsRight() throws IOException {
    CorpusReader corpus = write(1000, new int[] {1, 999, 3});
    CorpusManifest smaller =
        new CorpusManifest(Unit.WORD, ElementType.UINT16, 999, "", corpus.manifest().splits());
    try (TokenReader reader = new CorpusReader(files, corpus(), smaller).tokens("train")) {
      assertThatThrownBy(() -> reader.read(0, new int[3], 0, 3))
          .isInstanceOf(CorruptFileException.class)
          .hasMessageContaining("token 999 at byte 130");
    }
  }

  @Test
  void aVocabularyOfAnotherCorpusIsRefused() throws IOException {
    CorpusReader corpus = write(1000, new int[] {1});
    assertThat(corpus.vocabulary()).isEqualTo(vocabulary(1000));
    Channels.writeAll(files, corpus() + "/vocabulary.json", vocabulary(999).toJson());
    assertThatThrownBy(corpus::vocabulary)
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("fingerprint");
  }

  @Test
  void theManifestIsTheSameBytesAndReadsBack() throws IOException {
    CorpusReader corpus = write(1000, new int[] {1, 2}, new int[] {3});
    byte[] json = Files.readAllBytes(Path.of(corpus(), "manifest.json"));
    assertThat(corpus.manifest().toJson()).isEqualTo(json);
    assertThat(corpus.manifest().split("train").tokens()).isEqualTo(3);
    assertThat(corpus.manifest().split("train").unknownTokens()).isEqualTo(7);
    assertThat(CorpusManifest.parse(json, "m")).isEqualTo(corpus.manifest());
    assertThatThrownBy(() -> corpus.tokens("test"))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("test")
        .hasMessageContaining("train");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../secret.npy",
        "/etc/passwd",
        "train/../../x",
        "a//b",
        ".hidden",
        "",
        "a\\b",
        "c:x"
      })
  void namesThatCouldLeaveTheCorpusAreRefused(String name) throws IOException {
    CorpusReader corpus = write(1000, new int[] {1});
    Shard good = corpus.manifest().split("train").shards().get(0);
    Shard bad = new Shard(name, good.tokens(), good.bytes(), good.blockChecksums());
    CorpusManifest manifest =
        CorpusManifest.of(vocabulary(1000), Map.of("train", new Split(0, List.of(bad))));
    assertThatThrownBy(() -> CorpusManifest.parse(manifest.toJson(), "m.json"))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("m.json");
  }

  @Test
  void impossibleSizesInAManifestAreRefused() {
    Shard shard = new Shard("train/a.npy", 10, 1000, "00000000");
    CorpusManifest manifest =
        CorpusManifest.of(vocabulary(10), Map.of("train", new Split(0, List.of(shard))));
    assertThatThrownBy(() -> CorpusManifest.parse(manifest.toJson(), "m.json"))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("bytes");
    assertThatThrownBy(() -> new Shard("a", 10, 1000, "0000000")).hasMessageContaining("a");
    assertThatThrownBy(() -> new Shard("a", 10, 1000, "0000000g")).hasMessageContaining("hex");
  }

  @Test
  void aFolderWithoutManifestIsNoCorpus() throws IOException {
    Files.createDirectories(Path.of(corpus()));
    assertThat(CorpusManifest.exists(files, corpus())).isFalse();
    assertThatThrownBy(() -> new CorpusReader(files, corpus()))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining(corpus());
  }

  @Test
  void replacingTheManifestLeavesAWholeOneAtEveryInstant() throws IOException {
    CorpusReader before = write(1000, new int[] {1, 2});
    CorpusManifest next =
        CorpusManifest.of(vocabulary(1000), Map.of("valid", before.manifest().split("train")));
    boolean done = false;
    for (int steps = 0; !done; steps++) {
      before.manifest().write(files, corpus());
      files.failAfter(steps);
      try {
        next.write(files, corpus());
        done = true;
      } catch (IOException e) {
        assertThat(e).hasMessageContaining("power");
      }
      files.failAfter(Long.MAX_VALUE);
      assertThat(new CorpusReader(files, corpus()).manifest()).isIn(before.manifest(), next);
    }
    assertThat(new CorpusReader(files, corpus()).manifest()).isEqualTo(next);
    assertThat(files.list(corpus())).extracting("name").doesNotContain(CorpusManifest.NEXT);
  }

  @Test
  void aShardThatIsNotAsLongAsAnnouncedIsNone() throws IOException {
    try (ShardWriter writer = new ShardWriter(files, corpus(), "a.npy", 10, 2)) {
      writer.write(1);
      assertThatThrownBy(writer::finish)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("1 elements");
      assertThatThrownBy(() -> writer.write(10)).hasMessageContaining("token 10");
    }
  }

  @Test
  void blocksThatEndWithTheFileHaveOneChecksumEach() throws IOException {
    int exactlyTwoBlocks = (2 * Shard.BLOCK_BYTES - NpyFormat.HEADER_BYTES) / 2;
    CorpusReader corpus = write(10, randomTokens(exactlyTwoBlocks, 10));
    Shard shard = corpus.manifest().split("train").shards().get(0);
    assertThat(shard.bytes()).isEqualTo(2 * Shard.BLOCK_BYTES);
    assertThat(shard.blockChecksums()).hasSize(16);
    try (TokenReader reader = corpus.tokens("train")) {
      reader.read(exactlyTwoBlocks - 1L, new int[1], 0, 1);
    }
  }
}
