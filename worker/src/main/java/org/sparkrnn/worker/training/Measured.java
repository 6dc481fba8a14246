package org.sparkrnn.worker.training;

import java.util.Map;

/** How good a model is on a split. */
public interface Measured {
  /** What training lowers: nats per prediction, or the mean squared error. */
  double loss();

  /** The measures that matter, as part of a line. */
  String summary();

  /** The fields that {@code evaluate --json} prints. */
  Map<String, Object> fields();
}
