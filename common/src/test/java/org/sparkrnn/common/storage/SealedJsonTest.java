package org.sparkrnn.common.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkrnn.common.errors.CorruptFileException;

class SealedJsonTest {
  private final byte[] sealed =
      SealedJson.bytes(Map.of("name", "größe", "list", List.of(1, 2), "empty", Map.of()));

  @Test
  void itEndsWithItsChecksumAndIsJson() throws CorruptFileException {
    String text = new String(sealed, UTF_8);
    assertThat(text).matches("(?s)\\{\n.*,\n  \"sha256\" : \"[0-9a-f]{64}\"\n\\}\n");
    JsonObject object = SealedJson.parse(sealed, "m.json");
    assertThat(object.text("name")).isEqualTo("größe");
    assertThat(object.integers("list", 1)).containsExactly(1, 2);
  }

  @Test
  void everyFlippedBitAndEveryTruncationIsFound() {
    for (int i = 0; i < sealed.length; i++) {
      byte[] damaged = sealed.clone();
      damaged[i] ^= 1;
      assertThatThrownBy(() -> SealedJson.parse(damaged, "m.json"))
          .isInstanceOf(CorruptFileException.class)
          .hasMessageContaining("m.json");
      byte[] cut = Arrays.copyOf(sealed, i);
      assertThatThrownBy(() -> SealedJson.parse(cut, "m.json"))
          .isInstanceOf(CorruptFileException.class);
    }
  }

  @Test
  void theOrderOfInsertionDoesNotMatter() {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("b", 1);
    one.put("a", new LinkedHashMap<>(Map.of("d", 1.5, "c", true)));
    Map<String, Object> other = new LinkedHashMap<>();
    other.put("a", Map.of("c", true, "d", 1.5));
    other.put("b", 1);
    assertThat(Json.bytes(one)).isEqualTo(Json.bytes(other));
    assertThat(Json.line(one)).isEqualTo("{\"a\":{\"c\":true,\"d\":1.5},\"b\":1}");
  }

  @Test
  void nestingBeyondTheLimitIsRefusedWithTheFile() {
    byte[] nested = ("{\"a\":" + "[".repeat(100_000)).getBytes(UTF_8);
    assertThatThrownBy(() -> Json.parse(nested, "x.json"))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageStartingWith("Cannot read x.json: no JSON");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[1]", "{", "{\"a\":1}{", "{\"a\":1,\"a\":2}", "nul", "\u0000"})
  void whatIsNotOneObjectIsRefusedWithTheFile(String text) {
    assertThatThrownBy(() -> Json.parse(text.getBytes(UTF_8), "x.json"))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("x.json");
  }

  @Test
  void fieldsOfAnotherTypeAreNamedWithTheirPlace() throws CorruptFileException {
    byte[] json = "{\"a\":{\"b\":[{\"c\":-1,\"d\":1e3}]}}".getBytes(UTF_8);
    JsonObject element = Json.parse(json, "x.json").object("a").objects("b").get(0);
    assertThatThrownBy(() -> element.integer("c", 0))
        .hasMessageContaining("x.json")
        .hasMessageContaining("a.b[0].c")
        .hasMessageContaining("-1");
    assertThatThrownBy(() -> element.integer("d", 0)).hasMessageContaining("a.b[0].d");
    assertThatThrownBy(() -> element.text("c")).hasMessageContaining("a string");
    assertThatThrownBy(() -> element.text("e")).hasMessageContaining("no a.b[0].e");
    assertThat(element.number("d")).isEqualTo(1000);
  }
}
