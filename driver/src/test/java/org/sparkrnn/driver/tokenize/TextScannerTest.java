package org.sparkrnn.driver.tokenize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.driver.storage.HadoopFiles;

@Timeout(120)
class TextScannerTest {
  private static final HadoopFiles FILES = new HadoopFiles(new Configuration());

  @TempDir Path temporary;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "a",
        "a\n",
        "\n",
        "\n\n\n",
        "a\n\nb",
        "a b",
        " a ",
        "a\r\nb\r\n",
        "\r",
        "a\0b\0",
        "\0",
        "é",
        "a€b",
        "😀",
        "a😀😀b 😀\n",
        "한 글",
        "long-word-without-any-space",
        "x\ty\u000bz\fq",
        "no\u00a0break\u2003space\u0085",
        "\ufeffbom",
        "<unk> <eos>\n",
        "  \n  ",
        "last line",
        "\u001c\u001d\u001e\u001f"
      })
  void rangesOfAnySizeGiveTheTokensOfTheWholeText(String text) throws Exception {
    assertRangesAgree(Corpora.utf8(text), false);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "80",
        "ff",
        "c3",
        "61c3",
        "c361",
        "e282",
        "e28261",
        "e2820a",
        "f09f98",
        "f09f9861",
        "f09f98f09f9880",
        "eda080",
        "eda080edb080",
        "c0af",
        "e08080",
        "f08080af",
        "f4908080",
        "f5808080",
        "808080808080",
        "61808080808062",
        "c3a9808080",
        "e282ac8080",
        "f09f98808080",
        "61f0",
        "61f09f",
        "20ff20",
        "0aff0a",
        "ed",
        "eda0",
        "f4",
        "f490",
        "e0",
        "e080"
      })
  void rangesOfAnySizeReplaceInvalidBytesAsTheWholeText(String hexadecimal) throws Exception {
    assertRangesAgree(HexFormat.of().parseHex(hexadecimal), true);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void rangesOfRandomTextAgree(long seed) throws Exception {
    Random random = new Random(seed);
    byte[] text = Corpora.text(random, 60);
    assertRangesAgree(text, false);
    for (int damage = 0; damage < 12; damage++) {
      text[random.nextInt(text.length)] = (byte) (0x80 | random.nextInt(128));
    }
    assertRangesAgree(text, true);
  }

  @Test
  void textLongerThanTheBuffersKeepsEveryToken() throws Exception {
    byte[] text = Corpora.text(new Random(11), 100_000);
    for (Unit unit : Unit.values()) {
      for (long rangeBytes : new long[] {997, 65_536, 65_537, text.length}) {
        assertThat(scan(write("text", text), unit, rangeBytes, false))
            .isEqualTo(Corpora.tokens(text, unit));
      }
    }
  }

  @Test
  void invalidBytesAreReportedWithFileAndOffsetWhateverTheRange() throws Exception {
    byte[] text = Corpora.utf8("héllo wörld €uro and more text");
    for (int at = 0; at < text.length; at++) {
      byte[] damaged = text.clone();
      damaged[at] = (byte) 0xff;
      Path file = write("damaged.txt", damaged);
      String first = problem(file, Unit.CHAR, text.length);
      assertThat(first).contains("damaged.txt").contains("is not UTF-8");
      for (Unit unit : Unit.values()) {
        for (long rangeBytes = 1; rangeBytes < text.length; rangeBytes++) {
          assertThat(problem(file, unit, rangeBytes)).isEqualTo(first);
        }
      }
    }
    assertThat(problem(write("x", new byte[] {'a', 'b', (byte) 0xe2, (byte) 0x82}), Unit.CHAR, 9))
        .endsWith("/x: byte 2 is not UTF-8 (E2 82)");
  }

  @Test
  void compressedTextIsOneRange() throws Exception {
    byte[] text = Corpora.text(new Random(3), 30_000);
    byte[] half = Arrays.copyOf(text, text.length / 2);
    byte[] rest = Arrays.copyOfRange(text, text.length / 2, text.length);
    byte[] one = Corpora.gzip(half);
    byte[] other = Corpora.gzip(rest);
    byte[] members = Arrays.copyOf(one, one.length + other.length);
    System.arraycopy(other, 0, members, one.length, other.length);
    for (Unit unit : Unit.values()) {
      List<String> expected = Corpora.tokens(text, unit);
      assertThat(scan(write("text.gz", Corpora.gzip(text)), unit, 10, false)).isEqualTo(expected);
      assertThat(scan(write("members.gz", members), unit, 10, false)).isEqualTo(expected);
      assertThat(scan(write("empty.gz", Corpora.gzip(new byte[0])), unit, 10, false)).isEmpty();
    }
  }

  @Test
  void damagedCompressionIsReportedWithTheFile() throws Exception {
    byte[] compressed = Corpora.gzip(Corpora.text(new Random(4), 5_000));
    byte[] cut = Arrays.copyOf(compressed, compressed.length / 2);
    assertThat(problem(write("cut.gz", cut), Unit.CHAR, 9))
        .contains("cut.gz")
        .contains("too early");
    assertThat(problem(write("plain.gz", Corpora.utf8("no gzip at all")), Unit.CHAR, 9))
        .contains("plain.gz")
        .contains("cannot be decompressed");
    byte[] flipped = compressed.clone();
    flipped[flipped.length - 6] ^= 1; // in the checksum
    assertThat(problem(write("flipped.gz", flipped), Unit.CHAR, 9)).contains("flipped.gz");
    byte[] invalid = Corpora.gzip(new byte[] {'a', (byte) 0xff});
    assertThat(problem(write("invalid.gz", invalid), Unit.CHAR, 9))
        .endsWith("invalid.gz: byte 1 of the decompressed text is not UTF-8 (FF)");
  }

  @Test
  void aWordThatIsNoneIsRefusedBeforeItFillsTheMemory() throws Exception {
    byte[] text = new byte[TextScanner.LONGEST_WORD + (1 << 17)];
    Arrays.fill(text, (byte) 'x');
    assertThat(problem(write("binary", text), Unit.WORD, text.length)).contains("binary");
    assertThat(scan(write("binary", text), Unit.CHAR, text.length, false)).hasSize(text.length);
  }

  @Test
  void aFileThatChangesIsReported() throws Exception {
    Path file = write("text", Corpora.utf8("abc"));
    List<TextRange> ranges = ranges(file, 10);
    write("text", Corpora.utf8("ab"));
    assertThatThrownBy(() -> new TextScanner(FILES, ranges.get(0), Unit.CHAR, false))
        .isInstanceOf(TextProblemException.class)
        .hasMessageContaining("changed");
  }

  private void assertRangesAgree(byte[] text, boolean replaceInvalid) throws IOException {
    Path file = write("text", text);
    for (Unit unit : Unit.values()) {
      List<String> expected = Corpora.tokens(text, unit);
      for (long rangeBytes = 1; rangeBytes <= text.length + 1; rangeBytes++) {
        assertThat(scan(file, unit, rangeBytes, replaceInvalid))
            .as("%s, ranges of %d bytes", unit, rangeBytes)
            .isEqualTo(expected);
      }
    }
  }

  private String problem(Path file, Unit unit, long rangeBytes) throws IOException {
    try {
      return "none, but " + scan(file, unit, rangeBytes, false);
    } catch (TextProblemException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private static List<String> scan(Path file, Unit unit, long rangeBytes, boolean replaceInvalid)
      throws IOException {
    List<String> tokens = new ArrayList<>();
    TokenVisitor visitor =
        new TokenVisitor() {
          @Override
          public void character(int codePoint) {
            tokens.add(Character.toString(codePoint));
          }

          @Override
          public void word(String word) {
            tokens.add(word);
          }
        };
    for (TextRange range : ranges(file, rangeBytes)) {
      try (TextScanner scanner = new TextScanner(FILES, range, unit, replaceInvalid)) {
        boolean more = true;
        while (more) {
          more = scanner.advance(visitor);
        }
      }
    }
    return tokens;
  }

  private static List<TextRange> ranges(Path file, long rangeBytes) throws IOException {
    List<TextRange> ranges = new ArrayList<>();
    TextRange.cut(
        List.of(new InputFile(file.toString(), Files.size(file))),
        0,
        rangeBytes,
        FILES.configuration(),
        ranges);
    return ranges;
  }

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(temporary.resolve(name), bytes);
  }
}
