package org.sparkrnn.common.corpus;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;

class VocabularyTest {
  private final Vocabulary words =
      Vocabulary.of(Unit.WORD, List.of("the", Vocabulary.UNKNOWN, Vocabulary.END_OF_LINE, "größe"));

  @Test
  void tokensHaveTheIndicesOfTheirOrder() {
    assertThat(words.size()).isEqualTo(4);
    assertThat(words.indexOf("größe")).isEqualTo(3);
    assertThat(words.indexOf("absent")).isEqualTo(-1);
    assertThat(words.token(0)).isEqualTo("the");
    assertThat(words.unknown()).hasValue(1);
  }

  @Test
  void everyKindOfCharacterSurvivesTheFile() throws IOException {
    Vocabulary characters =
        Vocabulary.of(
            Unit.CHAR,
            List.of("a", "\n", "\r", "\0", "\"", "\\", "é", "\u2028", "😀", "\ufeff", "\u007f"));
    byte[] json = characters.toJson();
    Vocabulary read = Vocabulary.parse(json, "vocabulary.json");
    assertThat(read).isEqualTo(characters);
    assertThat(read.toJson()).isEqualTo(json);
    assertThat(read.indexOf("😀")).isEqualTo(8);
  }

  @Test
  void theFingerprintDependsOnUnitTokensAndOrder() {
    // printf '\0\0\0\4char\0\0\0\1a\0\0\0\2\303\251' | sha256sum
    assertThat(Vocabulary.of(Unit.CHAR, List.of("a", "é")).fingerprint())
        .isEqualTo("2106cb0e365494a61cf4bd219ab7c2294964ed753da96a7cc1a33b124c4db78e");
    assertThat(
            List.of(
                Vocabulary.of(Unit.CHAR, List.of("a", "b")).fingerprint(),
                Vocabulary.of(Unit.WORD, List.of("a", "b")).fingerprint(),
                Vocabulary.of(Unit.WORD, List.of("b", "a")).fingerprint(),
                Vocabulary.of(Unit.WORD, List.of("ab")).fingerprint()))
        .doesNotHaveDuplicates();
  }

  @Test
  void aVocabularyHasDistinctTokensThatFitItsUnit() {
    assertThatThrownBy(() -> Vocabulary.of(Unit.WORD, List.of("a", "b", "a")))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("\"a\"");
    assertThatThrownBy(() -> Vocabulary.of(Unit.CHAR, List.of("ab"))).hasMessageContaining("ab");
    assertThatThrownBy(() -> Vocabulary.of(Unit.WORD, List.of(""))).hasMessageContaining("empty");
    assertThatThrownBy(() -> Vocabulary.of(Unit.WORD, List.of())).hasMessageContaining("no tokens");
  }

  @Test
  void halfACharacterIsRefusedBecauseItsFingerprintWouldBeThatOfAQuestionMark() {
    assertThatThrownBy(() -> Vocabulary.of(Unit.CHAR, List.of("a", "\ud800")))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("token 1");
  }

  @Test
  void aChangedFileIsFoundByItsFingerprint() {
    String json = new String(words.toJson(), UTF_8);
    assertThatThrownBy(() -> Vocabulary.parse(json.replace("the", "thy").getBytes(UTF_8), "v.json"))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("v.json")
        .hasMessageContaining("fingerprint");
    assertThatThrownBy(
            () -> Vocabulary.parse(json.replace("größe", "the").getBytes(UTF_8), "v.json"))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("twice");
    assertThatThrownBy(
            () -> Vocabulary.parse(json.replace("\"word\"", "\"byte\"").getBytes(UTF_8), "v.json"))
        .hasMessageContaining("char or word");
  }
}
