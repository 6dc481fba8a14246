package org.sparkrnn.driver.tokenize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkrnn.common.corpus.CorpusManifest;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.LocalSpark;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;

@Timeout(240)
class TokenizeJobTest {
  @RegisterExtension static final LocalSpark spark = new LocalSpark(2);

  @TempDir Path temporary;

  @Test
  void everyCharacterIsAToken() throws Exception {
    byte[] text = Corpora.text(new Random(1), 2_000);
    write("text", text);
    CorpusManifest manifest = run(request(Unit.CHAR, "text"));
    List<String> expected = Corpora.tokens(text, Unit.CHAR);
    assertThat(Corpora.read(output(), "train")).isEqualTo(expected);
    assertThat(manifest.splits()).containsOnlyKeys("train");
    assertThat(Corpora.vocabulary(output()).size())
        .isEqualTo((int) expected.stream().distinct().count());
  }

  @Test
  void wordsAreOrderedByCountThenByTheirBytes() throws Exception {
    write("text", "b a a\nc \uffff 😀 é z b\na");
    run(request(Unit.WORD, "text"));
    assertThat(Corpora.vocabulary(output()).tokens())
        .containsExactly("<eos>", "a", "b", "c", "z", "é", "\uffff", "😀", "<unk>");
    assertThat(Corpora.read(output(), "train"))
        .containsExactly(
            "b", "a", "a", "<eos>", "c", "\uffff", "😀", "é", "z", "b", "<eos>", "a", "<eos>");
  }

  @Test
  void rareWordsBecomeTheUnknownOneOfTheText() throws Exception {
    write("text", "the <unk> cat the dog\nthe cat <unk> x y z w\n");
    CorpusManifest manifest = run(request(Unit.WORD, "text").minCount(2));
    // <unk> has 2 of its own and 5 of dog, w, x, y, z.
    assertThat(Corpora.vocabulary(output()).tokens())
        .containsExactly("<unk>", "the", "<eos>", "cat");
    assertThat(Corpora.read(output(), "train").subList(0, 6))
        .containsExactly("the", "<unk>", "cat", "the", "<unk>", "<eos>");
    assertThat(manifest.split("train").unknownTokens()).isEqualTo(5);
  }

  @Test
  void theLargestVocabularyCountsTheSpecialWords() throws Exception {
    write("text", "a a a b b b c c d\n");
    CorpusManifest manifest = run(request(Unit.WORD, "text").maxVocabulary(4));
    assertThat(Corpora.vocabulary(output()).tokens()).containsExactly("<unk>", "a", "b", "<eos>");
    assertThat(manifest.split("train").unknownTokens()).isEqualTo(3);
  }

  @Test
  void rareCharactersBecomeTheReplacementCharacter() throws Exception {
    write("text", "aaabbbcd");
    CorpusManifest manifest = run(request(Unit.CHAR, "text").minCount(2));
    assertThat(Corpora.vocabulary(output()).tokens()).containsExactly("a", "b", "\ufffd");
    assertThat(String.join("", Corpora.read(output(), "train"))).isEqualTo("aaabbb\ufffd\ufffd");
    assertThat(manifest.split("train").unknownTokens()).isEqualTo(2);
  }

  @ParameterizedTest
  @EnumSource
  void theResultDoesNotDependOnRangesOrThreads(Unit unit) throws Exception {
    byte[] text = Corpora.text(new Random(2), 400);
    write("in/a", Arrays.copyOf(text, 301));
    write("in/b.gz", Corpora.gzip(text));
    write("in/c", "");
    write("in/d", Arrays.copyOfRange(text, 302, text.length));
    List<String> expected = Corpora.tokens(Arrays.copyOf(text, 301), unit);
    for (long rangeBytes : new long[] {1, 7, 299, 1 << 20}) {
      run(
          request(unit, "in", "out-" + rangeBytes)
              .replaceInvalid(true)
              .rangeBytes(rangeBytes)
              .shardTokens(100)
              .splitPercent(List.of(80.0, 15.0, 5.0)));
    }
    Map<String, String> first = Corpora.content(temporary.resolve("out-1"));
    assertThat(first)
        .containsKeys("manifest.json", "train/shard-00001.npy", "test/shard-00000.npy");
    for (long rangeBytes : new long[] {7, 299, 1 << 20}) {
      assertThat(Corpora.content(temporary.resolve("out-" + rangeBytes))).isEqualTo(first);
    }
    assertThat(Corpora.read(temporary.resolve("out-1"), "train").subList(0, expected.size()))
        .isEqualTo(expected);
    spark.stop();
    try (SparkTestCluster other = SparkTestCluster.local(1, Serialization.JAVA)) {
      TokenizeJob.run(
          other.session(),
          request(unit, "in", "out-java")
              .replaceInvalid(true)
              .shardTokens(100)
              .splitPercent(List.of(80.0, 15.0, 5.0))
              .build());
      assertThat(Corpora.content(temporary.resolve("out-java"))).isEqualTo(first);
    } finally {
      spark.start();
    }
  }

  @Test
  void aSplitIsContiguousByTokens() throws Exception {
    write("text", "0123456789".repeat(10) + "x");
    CorpusManifest manifest = run(request(Unit.CHAR, "text").splitPercent(List.of(90.0, 5.0, 5.0)));
    assertThat(manifest.split("train").tokens()).isEqualTo(90);
    assertThat(manifest.split("valid").tokens()).isEqualTo(5);
    assertThat(String.join("", Corpora.read(output(), "test"))).isEqualTo("56789x");
    run(request(Unit.CHAR, "text", "all").splitPercent(List.of(100.0, 0.0, 0.0)));
    assertThat(Corpora.read(temporary.resolve("all"), "train")).hasSize(101);
  }

  @Test
  void otherSplitsUseTheVocabularyOfTheTrainingText() throws Exception {
    write("train.txt", "a b c\n");
    write("valid.txt", "a x y\n");
    write("test.txt", "b\n");
    CorpusManifest manifest =
        run(request(Unit.WORD, "train.txt").valid(paths("valid.txt")).test(paths("test.txt")));
    assertThat(Corpora.vocabulary(output()).tokens())
        .containsExactly("<eos>", "a", "b", "c", "<unk>");
    assertThat(Corpora.read(output(), "valid")).containsExactly("a", "<unk>", "<unk>", "<eos>");
    assertThat(Corpora.read(output(), "test")).containsExactly("b", "<eos>");
    assertThat(manifest.split("valid").unknownTokens()).isEqualTo(2);
    run(request(Unit.CHAR, "train.txt", "chars").valid(paths("valid.txt")));
    assertThat(String.join("", Corpora.read(temporary.resolve("chars"), "valid")))
        .isEqualTo("a x y\n");
  }

  @Test
  void aVocabularyIsReusedAndUnknownWordsCounted() throws Exception {
    write("first", "a b b\n");
    write("second", "b c a c\n");
    run(request(Unit.WORD, "first"));
    Vocabulary vocabulary = Corpora.vocabulary(output());
    write("words.txt", "b\na\n");
    for (String given : List.of("out", "out/vocabulary.json", "words.txt")) {
      String name = "by-" + given.replace('/', '-');
      CorpusManifest manifest =
          run(request(Unit.WORD, "second", name).vocabulary(temporary.resolve(given).toString()));
      assertThat(Corpora.read(temporary.resolve(name), "train"))
          .containsExactly("b", "<unk>", "a", "<unk>", "<eos>");
      assertThat(manifest.split("train").unknownTokens()).isEqualTo(2);
    }
    assertThat(Corpora.vocabulary(temporary.resolve("by-out"))).isEqualTo(vocabulary);
  }

  @Test
  void aCharacterOutsideAGivenVocabularyIsRefused() throws Exception {
    write("first", "abc");
    write("second", "ab€");
    run(request(Unit.CHAR, "first"));
    refused(
        request(Unit.CHAR, "second", "other").vocabulary(output().toString()),
        "second",
        "U+20AC",
        "not in the vocabulary");
    refused(
        request(Unit.WORD, "second", "other").vocabulary(output().toString()),
        "unit word",
        "unit char");
    refused(
        request(Unit.CHAR, "second", "other").vocabulary("missing.json"),
        "missing.json",
        "no such file");
  }

  @Test
  void appendingAddsShardsToTheTrainingText() throws Exception {
    write("first", "a b c\n");
    write("second", "c b d\n");
    write("third", "a\n");
    run(request(Unit.WORD, "first").shardTokens(3));
    Map<String, String> before = Corpora.content(output());
    run(request(Unit.WORD, "second").append(true));
    CorpusManifest manifest = run(request(Unit.WORD, "third").append(true));
    assertThat(manifest.split("train").shards()).hasSize(4);
    assertThat(manifest.split("train").unknownTokens()).isEqualTo(1);
    assertThat(Corpora.read(output(), "train"))
        .containsExactly("a", "b", "c", "<eos>", "c", "b", "<unk>", "<eos>", "a", "<eos>");
    before.remove("manifest.json");
    assertThat(Corpora.content(output())).containsAllEntriesOf(before);
  }

  @Test
  void aFailedAppendLeavesTheCorpusAsItWas() throws Exception {
    write("first", "a b c\n");
    write("bad", new byte[] {'a', ' ', (byte) 0xff});
    run(request(Unit.WORD, "first"));
    Map<String, String> before = Corpora.content(output());
    refused(request(Unit.WORD, "bad").append(true), "bad", "byte 2", "not UTF-8");
    refused(request(Unit.CHAR, "first").append(true), "unit char");
    assertThat(Corpora.content(output())).isEqualTo(before);
    refused(request(Unit.WORD, "first", "nothing").append(true), "there is no corpus");
  }

  @Test
  void aFailureLeavesNothingBehind() throws Exception {
    write("bad", new byte[] {'a', 'b', (byte) 0xe2, (byte) 0x82, 'c'});
    refused(request(Unit.CHAR, "bad", "deep/er/corpus"), "bad", "byte 2", "E2 82", "not UTF-8");
    assertThat(temporary.resolve("deep")).doesNotExist();
    Files.createDirectories(output());
    refused(request(Unit.CHAR, "bad"), "bad");
    assertThat(Corpora.content(output())).hasSize(1);
    run(request(Unit.CHAR, "bad").replaceInvalid(true));
    assertThat(String.join("", Corpora.read(output(), "train"))).isEqualTo("ab\ufffdc");
  }

  @Test
  void whatExistsIsNeverOverwritten() throws Exception {
    write("text", "some text");
    run(request(Unit.CHAR, "text"));
    Map<String, String> before = Corpora.content(output());
    refused(request(Unit.CHAR, "text"), "out", "there is one already");
    assertThat(Corpora.content(output())).isEqualTo(before);
    write("folder/file", "precious");
    refused(request(Unit.CHAR, "text", "folder"), "folder", "not empty");
    assertThat(temporary.resolve("folder/file")).hasContent("precious");
    refused(request(Unit.CHAR, "text", "text"), "text", "not a folder");
  }

  @Test
  void whatAKilledRunLeftIsReplaced() throws Exception {
    write("text", "some text");
    write("out/_tokenizing.json", "{\"owner\": \"gone\"}\n");
    write("out/train/shard-00000.npy", "half a sh");
    write("out/train/_shard-00001.npy.7", "");
    write("out/vocabulary.json", "{");
    run(request(Unit.CHAR, "text"));
    run(request(Unit.CHAR, "text", "fresh"));
    assertThat(Corpora.content(output())).isEqualTo(Corpora.content(temporary.resolve("fresh")));
    write("out/_tokenizing.json", "{\"owner\": \"gone\"}\n"); // killed while appending
    write("out/train/shard-00001.npy", "half a sh");
    run(request(Unit.CHAR, "text").append(true));
    assertThat(String.join("", Corpora.read(output(), "train"))).isEqualTo("some textsome text");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x"})
  void tooLittleTextIsRefused(String text) throws Exception {
    write("text", text);
    refused(request(Unit.CHAR, "text"), "text");
    assertThat(output()).doesNotExist();
  }

  @Test
  void tooLittleTextForASplitIsRefused() throws Exception {
    write("text", "0123456789");
    refused(
        request(Unit.CHAR, "text").splitPercent(List.of(90.0, 5.0, 5.0)),
        "10 tokens",
        "split valid",
        "at least 2");
    write("empty.gz", Corpora.gzip(new byte[0]));
    refused(request(Unit.CHAR, "text").valid(paths("empty.gz")), "empty.gz", "split valid");
    assertThat(output()).doesNotExist();
  }

  @Test
  void missingInputIsRefusedBeforeAnythingIsCreated() {
    refused(request(Unit.CHAR, "missing"), "missing", "no such file");
    assertThat(output()).doesNotExist();
  }

  @Test
  void aLargerTextIsTheSameAsTheSlowWay() throws Exception {
    byte[] text = Corpora.utf8(Corpora.lines(5, 60_000));
    write("text", text);
    run(request(Unit.WORD, "text").rangeBytes(50_001).shardTokens(100_003));
    assertThat(Corpora.read(output(), "train")).isEqualTo(Corpora.tokens(text, Unit.WORD));
  }

  private Path output() {
    return temporary.resolve("out");
  }

  private TokenizeRequest.Builder request(Unit unit, String input) {
    return request(unit, input, "out");
  }

  private TokenizeRequest.Builder request(Unit unit, String input, String output) {
    return TokenizeRequest.builder(paths(input), unit, temporary.resolve(output).toString());
  }

  private List<String> paths(String name) {
    return List.of(temporary.resolve(name).toString());
  }

  private static CorpusManifest run(TokenizeRequest.Builder request) throws IOException {
    return TokenizeJob.run(spark.session(), request.build());
  }

  private static void refused(TokenizeRequest.Builder request, String... words) {
    assertThatThrownBy(() -> run(request))
        .isInstanceOf(BadInputException.class)
        .hasMessageStartingWith("Cannot ")
        .hasMessageContainingAll(words);
  }

  private void write(String name, String text) throws IOException {
    write(name, text.getBytes(StandardCharsets.UTF_8));
  }

  private void write(String name, byte[] bytes) throws IOException {
    Path file = temporary.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, bytes);
  }
}
