package org.sparkrnn.driver.metrics;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.Files;

/**
 * {@code metrics.jsonl} of a run: one line per round.
 *
 * <p>Not every file system can append, so the file is written anew, under a temporary name first,
 * and no more often than it costs a hundredth of the time. Whoever saves a checkpoint calls {@link
 * #flush} before it: then no round of a checkpoint is missing after a crash.
 */
public final class MetricsLog {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int MAX_FILE_BYTES = Integer.MAX_VALUE - 8;
  private static final long SHORTEST_PAUSE_NANOS = 1_000_000_000L;

  private final Files files;
  private final String path;
  private final List<String> lines = new ArrayList<>();
  private Optional<RoundMetrics> last = Optional.empty();
  private boolean changed;
  private long lastFlush = System.nanoTime();
  private long pauseNanos;

  private MetricsLog(Files files, String path) {
    this.files = files;
    this.path = path;
  }

  /** The log of a run that continues after {@code lastRound}: later lines are cut off. */
  public static MetricsLog open(Files files, String path, long lastRound) throws IOException {
    MetricsLog log = new MetricsLog(files, path);
    for (String line : log.read()) {
      if (roundOf(line) <= lastRound) {
        log.lines.add(line);
      } else {
        log.changed = true;
      }
    }
    log.flush(); // a run that fails in its first round leaves nothing behind
    return log;
  }

  /** Adds a round's line. */
  public void add(RoundMetrics metrics) throws IOException {
    lines.add(metrics.toJson());
    last = Optional.of(metrics);
    changed = true;
    if (System.nanoTime() - lastFlush >= pauseNanos) {
      flush();
    }
  }

  /** Writes the last round's line again, with what has been learned since. */
  public void replaceLast(RoundMetrics metrics) {
    lines.set(lines.size() - 1, metrics.toJson());
    last = Optional.of(metrics);
    changed = true;
  }

  /** Adds the time that the checkpoint after the last round took to its line. */
  public void checkpointTook(double seconds) {
    last.ifPresent(
        metrics -> replaceLast(metrics.withSeconds(metrics.seconds().withCheckpoint(seconds))));
  }

  /** Brings the file up to date. */
  public void flush() throws IOException {
    if (!changed) {
      return;
    }
    long begin = System.nanoTime();
    String text = lines.isEmpty() ? "" : String.join("\n", lines) + "\n";
    files.replace(path, text.getBytes(UTF_8)); // read() takes the partial file of a crash
    changed = false;
    lastFlush = System.nanoTime();
    pauseNanos = Math.max(SHORTEST_PAUSE_NANOS, 100 * (lastFlush - begin));
  }

  private List<String> read() throws IOException {
    String source = path;
    if (!files.exists(path)) {
      if (!files.exists(Files.partial(path))) {
        return List.of();
      }
      source = Files.partial(path);
      changed = true; // so that it gets its name
    } else {
      files.delete(Files.partial(path)); // of a process that died while it wrote
    }
    return new String(Channels.readAll(files, source, MAX_FILE_BYTES), UTF_8).lines().toList();
  }

  private static long roundOf(String line) {
    try {
      JsonNode round = JSON.readTree(line).path("round");
      return round.isIntegralNumber() ? round.longValue() : Long.MAX_VALUE;
    } catch (JsonProcessingException e) {
      return Long.MAX_VALUE; // not ours, or the end of a file that was cut short
    }
  }
}
