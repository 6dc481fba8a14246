package org.sparkrnn.common.parameters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.errors.BadInputException;

class ParameterLayoutTest {
  @Test
  void blocksFollowEachOtherInOrder() {
    ParameterLayout layout =
        ParameterLayout.builder()
            .add("embedding.weight", 10, 4)
            .add("rnn.weight_ih_l0", 12, 4)
            .add("rnn.bias_ih_l0", 12)
            .build();
    assertThat(layout.size()).isEqualTo(100);
    assertThat(layout.blocks()).extracting(ParameterBlock::offset).containsExactly(0, 40, 88);
    assertThat(layout.block("rnn.weight_ih_l0").shape()).isEqualTo(List.of(12, 4));
    assertThat(layout.block("rnn.bias_ih_l0").shape()).isEqualTo(List.of(12));
    assertThat(layout.contains("output.bias")).isFalse();
    assertThatThrownBy(() -> layout.block("output.bias")).hasMessageContaining("output.bias");
  }

  @Test
  void aModelThatIsTooLargeIsRefusedWithTheNumber() {
    ParameterLayout.Builder builder =
        ParameterLayout.builder().add("a", 2_000_000, 1000).add("b", 200_000, 1000);
    assertThatThrownBy(builder::build)
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("2200000000")
        .hasMessageContaining("2147483647");
    assertThat(ParameterLayout.builder().add("a", Integer.MAX_VALUE).build().size())
        .isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void namesAreUniqueAndShapesPositive() {
    ParameterLayout.Builder builder = ParameterLayout.builder().add("a", 1);
    assertThatThrownBy(() -> builder.add("a", 2)).hasMessageContaining("a");
    assertThatThrownBy(() -> builder.add("b", 0, 3)).hasMessageContaining("[0, 3]");
  }
}
