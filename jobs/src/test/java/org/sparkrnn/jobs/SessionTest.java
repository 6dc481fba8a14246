package org.sparkrnn.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SessionTest {
  private static final String HEARTBEAT_TIMEOUT = "spark.storage.blockManagerHeartbeatTimeoutMs";

  /**
   * Spark takes its executor for lost after two minutes without heartbeats; where that is the
   * driver, the machine slept.
   */
  @ParameterizedTest
  @ValueSource(strings = {"local", "local[2]", "local[*]", "local[2,4]"})
  void aMachineMaySleepWhileItTrainsLocally(String master) {
    SparkConf conf = new SparkConf(false).set("spark.master", master);

    Session.setDefaults(conf);

    assertThat(conf.getTimeAsMs(HEARTBEAT_TIMEOUT, "0")).isEqualTo(TimeUnit.DAYS.toMillis(365));
  }

  @ParameterizedTest
  @ValueSource(strings = {"local-cluster[2,1,1024]", "spark://host:7077", "yarn"})
  void anExecutorOfItsOwnMayBeLost(String master) {
    SparkConf conf = new SparkConf(false).set("spark.master", master);

    Session.setDefaults(conf);

    assertThat(conf.contains(HEARTBEAT_TIMEOUT)).isFalse();
  }

  @Test
  void aSettingOfTheUserWins() {
    SparkConf conf =
        new SparkConf(false).set("spark.master", "local[2]").set(HEARTBEAT_TIMEOUT, "70s");

    Session.setDefaults(conf);

    assertThat(conf.get(HEARTBEAT_TIMEOUT)).isEqualTo("70s");
  }
}
