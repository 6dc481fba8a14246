package org.sparkrnn.driver;

import java.util.Map;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.sparkrnn.driver.SparkTestCluster.Serialization;

/**
 * One {@code local[n]} session with Kryo for all tests of a class: {@code @RegisterExtension static
 * final LocalSpark spark = new LocalSpark(2)}.
 */
public final class LocalSpark implements BeforeAllCallback, AfterAllCallback {
  private final int threads;
  private final Map<String, String> settings;
  private SparkTestCluster cluster;

  public LocalSpark(int threads) {
    this(threads, Map.of());
  }

  /** With further {@code spark.*} settings. */
  public LocalSpark(int threads, Map<String, String> settings) {
    this.threads = threads;
    this.settings = settings;
  }

  @Override
  public void beforeAll(ExtensionContext test) {
    start();
  }

  @Override
  public void afterAll(ExtensionContext test) {
    stop();
  }

  /** For a test that has stopped it. */
  public void start() {
    cluster = SparkTestCluster.local(threads, Serialization.KRYO, settings);
  }

  /** For a test that needs a session of its own: there is one at a time. */
  public void stop() {
    cluster.close();
  }

  public JavaSparkContext context() {
    return cluster.context();
  }

  public SparkSession session() {
    return cluster.session();
  }
}
