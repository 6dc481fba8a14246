package org.sparkrnn.driver.faults;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * A training that goes on and on holds no more at its end than at its beginning and is no slower:
 * {@value #ROUNDS} rounds, and as many minutes as {@code -Dsparkrnn.soak.minutes} says.
 *
 * <p>Growth is the median of the slopes between all pairs of samples (Theil 1950, Sen 1968), which
 * a few outliers do not move, of the rounds behind the first third, in which classes are loaded,
 * code is compiled and pools are filled.
 */
@EnabledOnOs(OS.LINUX)
class SoakTest {
  private static final int ROUNDS = 500;
  private static final long MINUTES = Long.getLong("sparkrnn.soak.minutes", 0);

  /** A leak of one of them in every checkpoint, each tenth round, would be 0.1 per round. */
  private static final double THINGS_PER_ROUND = 0.02;

  /** The least that a round allocates in one piece is the parameters. */
  private static final double BYTES_PER_ROUND = 0.02 * SoakProcess.PARAMETER_BYTES;

  /**
   * Of resident memory, whose heap is all resident from the start: over {@value #ROUNDS} rounds a
   * copy of the parameters that is left behind in every third would be as much.
   */
  private static final double SHARE = 0.05;

  /** Of the processor time of a round, against the disturbance by what else runs. */
  private static final double SLOWER = 0.2;

  @TempDir Path folder;

  @Test
  @Timeout(7200)
  void aTrainingThatGoesOnHoldsNoMoreAndIsNoSlower() throws Exception {
    List<SoakSample> all = soak();
    List<SoakSample> samples = all.subList(all.size() / 3, all.size());
    assertThat(samples.get(samples.size() - 1).round()).isGreaterThanOrEqualTo(ROUNDS);
    System.out.printf(
        Locale.ROOT,
        "soak: %d rounds in %d s, growth from round %d on%n",
        samples.get(samples.size() - 1).round(),
        (samples.get(samples.size() - 1).millis() - all.get(0).millis()) / 1000,
        samples.get(0).round());

    flat(samples, "broadcast blocks", SoakSample::blocks, THINGS_PER_ROUND);
    flat(samples, "threads", SoakSample::threads, THINGS_PER_ROUND);
    flat(samples, "open files", SoakSample::descriptors, THINGS_PER_ROUND);
    flat(samples, "files", SoakSample::files, THINGS_PER_ROUND);
    flat(samples, "bytes of direct buffers", SoakSample::direct, BYTES_PER_ROUND);
    flat(samples, "bytes of heap", SoakSample::heap, BYTES_PER_ROUND);
    double rounds = samples.get(samples.size() - 1).round() - samples.get(0).round();
    double resident = samples.get(0).resident();
    flat(samples, "resident bytes", SoakSample::resident, SHARE * resident / rounds);
    flatTime(samples, rounds);
  }

  private static void flat(
      List<SoakSample> samples, String what, ToDoubleFunction<SoakSample> value, double most) {
    double growth =
        growth(
            samples.stream().map(s -> new double[] {s.round(), value.applyAsDouble(s)}).toList(),
            samples.size() / 4);
    System.out.printf(
        Locale.ROOT,
        "soak: %s %.0f at first, %.0f at last, %+.4f per round, at most %.4f%n",
        what,
        value.applyAsDouble(samples.get(0)),
        value.applyAsDouble(samples.get(samples.size() - 1)),
        growth,
        most);
    assertThat(growth).as("growth of %s per round", what).isLessThanOrEqualTo(most);
  }

  /** Processor time, which what else runs disturbs less than time. */
  private static void flatTime(List<SoakSample> samples, double rounds) {
    List<double[]> millis = new ArrayList<>();
    for (int i = 1; i < samples.size(); i++) {
      SoakSample before = samples.get(i - 1);
      SoakSample after = samples.get(i);
      double perRound =
          (double) (after.cpuMillis() - before.cpuMillis()) / (after.round() - before.round());
      millis.add(new double[] {after.round(), perRound});
    }
    double median = median(millis.stream().mapToDouble(point -> point[1]).toArray());
    double growth = growth(millis, millis.size()) * rounds / median;
    SoakSample first = samples.get(0);
    SoakSample last = samples.get(samples.size() - 1);
    System.out.printf(
        Locale.ROOT,
        "soak: %.1f ms of processor time per round, %+.1f %% from first to last; %.0f tokens/s%n",
        median,
        100 * growth,
        1000.0 * (last.tokens() - first.tokens()) / (last.millis() - first.millis()));
    assertThat(growth).as("growth of the time of a round").isLessThanOrEqualTo(SLOWER);
  }

  /**
   * The median slope of all pairs of points that are at most so far apart (Theil–Sen). Of what is
   * held, pairs over a quarter of the run: a buffer that somebody allocates once, however late, is
   * in few of them, what grows again and again in most.
   */
  private static double growth(List<double[]> points, int apart) {
    List<Double> slopes = new ArrayList<>();
    for (int i = 0; i < points.size(); i++) {
      for (int j = i + 1; j < points.size() && j <= i + apart; j++) {
        double[] from = points.get(i);
        double[] to = points.get(j);
        slopes.add((to[1] - from[1]) / (to[0] - from[0]));
      }
    }
    return median(slopes.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    java.util.Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private List<SoakSample> soak() throws IOException, InterruptedException {
    Path temporary = Files.createDirectory(folder.resolve("temporary"));
    List<String> options =
        List.of(
            "-Xms512m",
            "-Xmx512m",
            "-XX:+AlwaysPreTouch",
            "-XX:+UseSerialGC",
            "-Djava.io.tmpdir=" + temporary);
    Path log = folder.resolve("log"); // one file, as long as it may grow
    Process process =
        TestJvm.builder(
                options, SoakProcess.class, folder.toString(), "" + ROUNDS, "" + 60 * MINUTES)
            .redirectError(log.toFile())
            .start();
    List<SoakSample> samples = new ArrayList<>();
    try (BufferedReader output = process.inputReader(UTF_8)) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        SoakSample.parse(line).ifPresent(samples::add);
      }
      assertThat(process.waitFor()).as(Files.readString(log, UTF_8)).isZero();
    } finally {
      process.destroyForcibly();
    }
    return samples;
  }
}
