package org.sparkrnn.common.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TrainingConfigTest {
  @Test
  void defaultsAreThoseOfTheReference() {
    TrainingConfig config = TrainingConfig.load("", List.of());
    assertThat(config.model().hidden()).isEqualTo(128);
  }
}
