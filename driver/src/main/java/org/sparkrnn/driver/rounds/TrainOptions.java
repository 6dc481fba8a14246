package org.sparkrnn.driver.rounds;

import java.util.Optional;
import org.sparkrnn.driver.cluster.StopRequest;

/**
 * How a run begins and who may end it.
 *
 * @param resume whether to go on from the newest checkpoint of {@code checkpoint.path}; an empty
 *     folder starts
 * @param from a run's folder or one of its {@code step-N} whose parameters a new run starts from
 * @param stop a wish that the run end
 */
public record TrainOptions(boolean resume, Optional<String> from, StopRequest stop) {

  /** A new run that nobody stops. */
  public static TrainOptions start() {
    return new TrainOptions(false, Optional.empty(), new StopRequest());
  }

  /** The same with {@code --resume}. */
  public TrainOptions resuming() {
    return new TrainOptions(true, from, stop);
  }

  /** The same with {@code --from}. */
  public TrainOptions from(String path) {
    return new TrainOptions(resume, Optional.of(path), stop);
  }

  /** The same with somebody who may stop it. */
  public TrainOptions stoppedBy(StopRequest request) {
    return new TrainOptions(resume, from, request);
  }
}
