package org.sparkrnn.worker.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkrnn.common.config.KernelConfig;
import org.sparkrnn.common.config.KernelConfig.Choice;
import org.sparkrnn.common.config.KernelConfig.Isa;
import org.sparkrnn.common.config.KernelConfig.Precision;
import org.sparkrnn.common.errors.BadInputException;

/** Which kernel the settings of the group {@code kernel} choose. */
class KernelChoiceTest {

  @ParameterizedTest
  @EnumSource(names = {"AUTO", "NATIVE", "JAVA"})
  void bf16AmxIsRefusedWhereItCanOnlyBeEmulated(Choice choice) {
    assertThatThrownBy(
            () -> Kernel.create(new KernelConfig(choice, Isa.AVX2, Precision.BF16_AMX, false)))
        .isInstanceOf(BadInputException.class)
        .hasMessageStartingWith("Cannot use kernel.precision = bf16-amx: ")
        .hasMessageContaining("kernel.bf16-emulation = true");
  }

  @Test
  void bf16AmxIsEmulatedOnRequest() {
    assertThat(
            Kernel.create(new KernelConfig(Choice.AUTO, Isa.PORTABLE, Precision.BF16_AMX, true))
                .name())
        .isEqualTo("native-portable-bf16-amx-emulated");
    assertThat(
            Kernel.create(new KernelConfig(Choice.JAVA, Isa.AUTO, Precision.BF16_AMX, true)).name())
        .isEqualTo("java-bf16-amx-emulated");
  }

  @ParameterizedTest
  @EnumSource(names = {"AUTO", "NATIVE"})
  void bf16IsRefusedWhereTheNativeKernelOnlyEmulatesIt(Choice choice) {
    assertThatThrownBy(
            () -> Kernel.create(new KernelConfig(choice, Isa.PORTABLE, Precision.BF16, false)))
        .isInstanceOf(BadInputException.class)
        .hasMessageStartingWith("Cannot use kernel.precision = bf16: ")
        .hasMessageContaining("kernel.bf16-emulation = true");
  }

  @Test
  void bf16IsRefusedByTheJavaKernel() {
    assertThatThrownBy(
            () -> Kernel.create(new KernelConfig(Choice.JAVA, Isa.AUTO, Precision.BF16, false)))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("the Java kernel only emulates it");
  }

  @Test
  void bf16IsEmulatedOnRequest() {
    assertThat(
            Kernel.create(new KernelConfig(Choice.AUTO, Isa.PORTABLE, Precision.BF16, true)).name())
        .isEqualTo("native-portable-bf16-emulated");
    assertThat(Kernel.create(new KernelConfig(Choice.JAVA, Isa.AUTO, Precision.BF16, true)).name())
        .isEqualTo("java-bf16-emulated");
  }

  @Test
  void theProcessorsInstructionIsPreferredToItsEmulation() {
    String name =
        Kernel.create(new KernelConfig(Choice.NATIVE, Isa.AUTO, Precision.BF16, true)).name();
    boolean has = Arithmetic.BF16.isSupported(Isa.AUTO);
    assertThat(name.endsWith("-emulated")).isNotEqualTo(has);
    String amx =
        Kernel.create(new KernelConfig(Choice.NATIVE, Isa.AUTO, Precision.BF16_AMX, true)).name();
    boolean hasAmx = Arithmetic.BF16_AMX.isSupported(Isa.AUTO);
    assertThat(amx.endsWith("-emulated")).isNotEqualTo(hasAmx);
  }
}
