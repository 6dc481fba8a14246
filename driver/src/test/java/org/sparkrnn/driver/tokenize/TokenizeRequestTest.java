package org.sparkrnn.driver.tokenize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.errors.BadInputException;

class TokenizeRequestTest {

  @Test
  void pathsAreCutAtCommasOutsideBraces() {
    assertThat(TokenizeRequest.paths("a,b/{x,y}*.txt, c ,,hdfs://h/d"))
        .containsExactly("a", "b/{x,y}*.txt", "c", "hdfs://h/d");
    assertThat(TokenizeRequest.paths("")).isEmpty();
  }

  @Test
  void contradictionsAreRefused() {
    refused(request().valid(List.of("v")).splitPercent(List.of(90.0, 5.0, 5.0)), "not both");
    refused(request().splitPercent(List.of(90.0, 5.0)), "three numbers");
    refused(request().splitPercent(List.of(0.0, 50.0, 50.0)), "three numbers");
    refused(request().append(true).test(List.of("t")), "appended");
    refused(request().append(true).vocabulary("other"), "vocabulary of the corpus");
    refused(request().vocabulary("other").minCount(2), "cannot be limited");
    refused(request().minCount(0), "at least 1");
    refused(request().maxVocabulary(2), "at least 3");
    refused(TokenizeRequest.builder(List.of(), Unit.CHAR, "out"), "no input");
    refused(TokenizeRequest.builder(List.of("in"), Unit.CHAR, " "), "no output");
  }

  private static TokenizeRequest.Builder request() {
    return TokenizeRequest.builder(List.of("in"), Unit.WORD, "out");
  }

  private static void refused(TokenizeRequest.Builder builder, String reason) {
    assertThatThrownBy(builder::build)
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining(reason);
  }
}
