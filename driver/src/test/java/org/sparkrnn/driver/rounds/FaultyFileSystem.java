package org.sparkrnn.driver.rounds;

import java.io.IOException;
import java.net.URI;
import java.util.concurrent.CancellationException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.spark.TaskContext;

/**
 * Local files that misbehave when a task opens a shard; the authority says how, so that several
 * kinds live in one JVM: {@code faulty://fail-first/path}.
 */
public final class FaultyFileSystem extends RawLocalFileSystem {
  /** To be given to a session, so that drivers and executors know the scheme. */
  static final String SETTING = "spark.hadoop.fs.faulty.impl";

  private URI uri;

  @Override
  public void initialize(URI name, Configuration configuration) throws IOException {
    super.initialize(URI.create("file:///"), configuration);
    uri = URI.create("faulty://" + name.getAuthority());
  }

  @Override
  public URI getUri() {
    return uri == null ? URI.create("faulty:///") : uri; // the constructor above us asks
  }

  @Override
  public String getScheme() {
    return "faulty";
  }

  @Override
  public FSDataInputStream open(Path path, int bufferSize) throws IOException {
    TaskContext task = TaskContext.get();
    if (task != null && path.getName().endsWith(".npy")) {
      misbehave(task);
    }
    return super.open(path, bufferSize);
  }

  private void misbehave(TaskContext task) throws IOException {
    boolean first = task.attemptNumber() == 0;
    switch (uri.getAuthority()) {
      case "fail-first" -> {
        if (first) {
          throw new IOException("injected failure of the first attempt");
        }
      }
      case "fail" -> throw new IOException("injected failure of every attempt");
      case "slow-first" -> {
        if (first && task.partitionId() == 0) {
          sleep(task, 3_000);
        }
      }
      case "hang" -> sleep(task, 120_000);
      default -> throw new IOException("Cannot misbehave like " + uri);
    }
  }

  private static void sleep(TaskContext task, long millis) {
    long end = System.nanoTime() + millis * 1_000_000;
    while (System.nanoTime() < end) {
      if (task.isInterrupted()) {
        throw new CancellationException("killed while it slept");
      }
      try {
        Thread.sleep(20);
      } catch (InterruptedException e) {
        throw new CancellationException("interrupted while it slept");
      }
    }
  }
}
