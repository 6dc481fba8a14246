package org.sparkrnn.common.config;

import java.io.Serializable;

/**
 * The group {@code forecast}: what cannot be known of a cluster when the cost of a round is told.
 *
 * @param bandwidth bytes per second from one machine to another
 * @param gflops of one core of an executor while it trains, 0: measured on the driver
 */
public record ForecastConfig(long bandwidth, double gflops) implements Serializable {
  public ForecastConfig {
    Checks.requirePositive("forecast.bandwidth", bandwidth);
    Checks.requireNotNegative("forecast.gflops", gflops);
  }
}
