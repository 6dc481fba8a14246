package org.sparkrnn.worker.training;

import java.io.IOException;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.TrainableModel;

/** What a replica trains on in the local steps of an epoch, and its model. */
interface LocalSteps extends AutoCloseable {

  TrainableModel model();

  /**
   * Computes the losses of a step and leaves their gradients in the model.
   *
   * @param step of the epoch
   * @param first time step of the rows that it begins at
   */
  Trained train(long step, long first, LanguageModel.Masks masks) throws IOException;

  /** After the update that followed {@link #train}. */
  void updated();

  /** The hidden state to go on with. */
  float[] hidden();

  @Override
  void close();

  /**
   * What a step trained on.
   *
   * @param lossSum of all predictions
   */
  record Trained(double lossSum, long predictions) {}
}
