package org.sparkrnn.driver.cost;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.config.RoundConfig.Delta;

/** The predictions in docs/scaling.md are those of {@link RoundCost}. */
class ScalingTableTest {
  private static final Path PAGE = Path.of("../docs/scaling.md");
  private static final String BEGIN = "<!-- ScalingTableTest: begin -->";
  private static final String END = "<!-- ScalingTableTest: end -->";
  private static final double TEN_GIGABIT = 1.25e9;
  private static final double TRAINING_SECONDS = 60;

  @Test
  void thePageHasThePredictionsOfTheFormula() throws IOException {
    String page = Files.readString(PAGE);
    String block = page.substring(page.indexOf(BEGIN) + BEGIN.length(), page.indexOf(END));

    assertThat(block.strip()).as("to be put into %s", PAGE).isEqualTo(table());
  }

  private static String table() {
    List<String> lines = new ArrayList<>();
    lines.add(
        "| N | W | delta | schedule | broadcast | serialise | shuffle | reduce | collect | outer |"
            + " all | speed-up |");
    lines.add("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (int millions : new int[] {1, 10, 100}) {
      for (int replicas : new int[] {2, 8, 32, 1000}) {
        lines.add(line(millions, replicas, Delta.FLOAT32));
      }
      lines.add(line(millions, 1000, Delta.INT8));
    }
    return String.join("\n", lines);
  }

  /** Replicas with a core and an executor each. */
  private static String line(int millions, int replicas, Delta delta) {
    RoundWork work =
        new RoundWork(
            replicas, 1_000_000L * millions, 0, delta, true, 1, 10, TRAINING_SECONDS, 10_000, 10);
    Machines machines = new Machines(replicas, replicas, TEN_GIGABIT);
    RoundCost cost = RoundCost.of(work, machines);
    return String.format(
        Locale.ROOT,
        "| %d M | %,d | %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f s | %.1f |",
        millions,
        replicas,
        delta.name().toLowerCase(Locale.ROOT),
        cost.schedule(),
        cost.broadcast(),
        cost.serialise(),
        cost.shuffle(),
        cost.reduce(),
        cost.collect(),
        cost.outerStep(),
        cost.overhead(),
        RoundCost.speedUp(work, machines));
  }
}
