package org.sparkrnn.worker.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.config.ModelConfig.Input;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.worker.kernel.CellKind;
import org.sparkrnn.worker.kernel.JavaKernel;

class TextGeneratorTest {
  private static final Vocabulary CHARACTERS =
      Vocabulary.of(Unit.CHAR, List.of("a", "b", "c", "😀", "\n"));
  private static final Vocabulary WORDS =
      Vocabulary.of(Unit.WORD, List.of("<eos>", "the", "<unk>", "cat"));

  private static String generate(Vocabulary vocabulary, String prompt, Sampling sampling) {
    ModelSpec spec = new ModelSpec(CellKind.LSTM, 1, vocabulary.size(), Input.EMBEDDING, 3, 4, 0f);
    float[] parameters = new float[spec.layout().size()];
    for (int i = 0; i < parameters.length; i++) {
      parameters[i] = (float) Math.sin(i * 0.7);
    }
    return TextGenerator.continueText(
        spec, new JavaKernel(), parameters, vocabulary, prompt, 60, sampling);
  }

  @Test
  void seedDecidesTheText() {
    String text = generate(CHARACTERS, "ab", new Sampling(1, 0, 1, 7));
    assertThat(text.codePointCount(0, text.length())).isEqualTo(60);
    assertThat(generate(CHARACTERS, "ab", new Sampling(1, 0, 1, 7))).isEqualTo(text);
    assertThat(generate(CHARACTERS, "ab", new Sampling(1, 0, 1, 8))).isNotEqualTo(text);
    assertThat(generate(CHARACTERS, "ba", new Sampling(1, 0, 1, 7))).isNotEqualTo(text);
  }

  @Test
  void zeroTemperatureTopOneAndTinyTopPTakeTheMostProbable() {
    String greedy = generate(CHARACTERS, "a", new Sampling(0, 0, 1, 1));
    assertThat(generate(CHARACTERS, "a", new Sampling(1, 1, 1, 2))).isEqualTo(greedy);
    assertThat(generate(CHARACTERS, "a", new Sampling(1, 0, 1e-9, 3))).isEqualTo(greedy);
    assertThat(generate(CHARACTERS, "a", new Sampling(1e-6, 0, 1, 4))).isEqualTo(greedy);
  }

  @Test
  void wordsArePartedAndLinesEnd() {
    String text = generate(WORDS, "the cat\nsat", new Sampling(1, 0, 1, 7));
    assertThat(text).contains("the cat").contains("\n").doesNotContain("<eos>");
    assertThat(text).doesNotContain("  ");
  }

  @Test
  void emptyPromptIsAnEndOfLine() {
    assertThat(generate(CHARACTERS, "", new Sampling(1, 0, 1, 7)))
        .isEqualTo(generate(CHARACTERS, "\n", new Sampling(1, 0, 1, 7)));
  }

  @Test
  void unknownCharacterOfAPromptIsNamed() {
    assertThatThrownBy(() -> generate(CHARACTERS, "az", new Sampling(1, 0, 1, 7)))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("\"z\" (U+007A)");
  }

  @Test
  void unknownWordsOfAPromptAreNamedOnce() {
    assertThat(TextGenerator.unknown(WORDS, "the dog\nsat the dog")).containsExactly("dog", "sat");
    assertThat(TextGenerator.unknown(WORDS, "the <unk> cat\n")).isEmpty();
    assertThat(TextGenerator.unknown(CHARACTERS, "abz\n")).containsExactly("z");
  }

  @Test
  void impossibleSamplingIsRefused() {
    assertThatThrownBy(() -> new Sampling(-1, 0, 1, 0))
        .hasMessageStartingWith("Cannot generate: --temperature must be at least 0");
    assertThatThrownBy(() -> new Sampling(Double.NaN, 0, 1, 0))
        .hasMessageStartingWith("Cannot generate: --temperature must be at least 0");
    assertThatThrownBy(() -> new Sampling(1, -1, 1, 0))
        .hasMessageStartingWith("Cannot generate: --top-k");
    assertThatThrownBy(() -> new Sampling(1, 0, 0, 0))
        .hasMessageStartingWith("Cannot generate: --top-p");
  }
}
