package org.sparkrnn.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.sparkrnn.common.config.DisplayConfig;
import org.sparkrnn.driver.metrics.RoundMetrics;
import org.sparkrnn.driver.metrics.RoundMetrics.Seconds;
import org.sparkrnn.driver.metrics.RunDescription;
import org.sparkrnn.worker.training.Plan.Unit;
import org.sparkrnn.worker.training.TaskMemory;

@Timeout(30)
class ProgressTest {
  private final ByteArrayOutputStream written = new ByteArrayOutputStream();

  @Test
  void aTerminalShowsABarThatFitsIt() {
    show(DisplayConfig.Progress.AUTO, 90);

    assertThat(text())
        .contains("50%", "4/8k tokens", "epoch 1/2", "loss 2.5000", "saved runs/x/step-5");
    List<String> bars =
        Arrays.stream(text().split("[\r\n]+", -1)).filter(line -> line.contains("% [")).toList();
    assertThat(bars)
        .isNotEmpty()
        .as("one line, also where the terminal has become narrower")
        .allSatisfy(bar -> assertThat(bar).startsWith("\u001b[?7l").endsWith("\u001b[?7h"))
        .allSatisfy(bar -> assertThat(bar.length()).isLessThan(90 + 2 * "\u001b[?7l".length()));
    assertThat(text()).as("what follows begins a line").endsWith("\n");
  }

  @Test
  void elsewhereEveryRoundIsALine() {
    show(DisplayConfig.Progress.AUTO, 0);

    assertThat(text())
        .doesNotContain("\r")
        .contains(
            "training: 1,000 parameters, 2 replicas, 2 epochs of 4,000 tokens; a task takes 1.0"
                + " MiB")
        .contains("memory: 9 of 10\ncost: 1 s\n")
        .contains(
            "round 1  epoch 1/2  step 5  loss 2.5000  2,000 tokens/s  lr 0.500  gradient 1.50")
        .contains("  gradient 1.50 (largest 30.0, 3 clipped)  0:00:0");
  }

  @Test
  void whereNoneIsWantedNothingIsShown() {
    show(DisplayConfig.Progress.NONE, 90);

    assertThat(text()).isEmpty();
  }

  @Test
  void oneOfEachIsNotCalledMany() {
    Progress progress = Progress.of(DisplayConfig.Progress.PLAIN, console(0));
    progress.started(description(1, 1, Unit.TOKENS));

    assertThat(text()).contains("1,000 parameters, 1 replica, 1 epoch of 4,000 tokens;");
  }

  @Test
  void sequencesAreCalledSo() {
    show(DisplayConfig.Progress.PLAIN, 0, Unit.SEQUENCES);

    assertThat(text()).contains("2 epochs of 4,000 sequences;", "  2,000 predictions/s  ");
  }

  private void show(DisplayConfig.Progress choice, int columns) {
    show(choice, columns, Unit.TOKENS);
  }

  private void show(DisplayConfig.Progress choice, int columns, Unit unit) {
    try (Progress progress = Progress.of(choice, console(columns))) {
      progress.started(description(2, 2, unit));
      progress.roundEnded(
          new RoundMetrics(
              1,
              0,
              5,
              4000,
              4000,
              2.5,
              0.5,
              1.5,
              30,
              3,
              1,
              new Seconds(1, 0, 1, 0, 0, 0),
              List.of("java"),
              OptionalDouble.empty()));
      progress.checkpointSaved(5, "runs/x/step-5");
    }
  }

  private Console console(int columns) {
    PrintStream out = new PrintStream(written, true, StandardCharsets.UTF_8);
    return new Console(out, out, columns);
  }

  private static RunDescription description(int replicas, int epochs, Unit unit) {
    TaskMemory memory = new TaskMemory(1 << 20, 1 << 20);
    return new RunDescription(
        1000,
        replicas,
        epochs,
        0,
        0,
        0,
        10,
        4000,
        0,
        7,
        unit,
        memory,
        "9 of 10",
        List.of("1 s"),
        "",
        "one first");
  }

  private String text() {
    return written.toString(StandardCharsets.UTF_8);
  }
}
