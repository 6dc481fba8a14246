package org.sparkrnn.driver.rounds;

import java.util.List;
import org.sparkrnn.driver.metrics.RoundMetrics.Seconds;

/**
 * What came of a round. Nobody may write to the arrays.
 *
 * @param average of the parameters; the driver's only copy
 * @param reports by replica
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record RoundResult(
    float[] average, ReplicaStates states, List<ReplicaReport> reports, Seconds seconds) {
  RoundResult {
    reports = List.copyOf(reports);
  }
}
