package org.sparkrnn.worker.training;

import java.io.IOException;
import org.sparkrnn.common.config.LossConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.model.TrainableModel;

/** The steps of a language model: a window of each row of the replica's tokens. */
final class WindowSteps implements LocalSteps {
  private final TrainingConfig config;
  private final ModelSpec spec;
  private final Plan plan;
  private final int replica;
  private final LanguageModel model;
  private final WindowReader windows;
  private int time;

  WindowSteps(
      TrainingConfig config,
      ModelSpec spec,
      Kernel kernel,
      Plan plan,
      int replica,
      float[] hidden,
      TokenSource tokens) {
    this.config = config;
    this.spec = spec;
    this.plan = plan;
    this.replica = replica;
    this.windows = new WindowReader(tokens, plan.streams(), plan.window());
    this.model =
        LanguageModel.forTraining(
            spec, kernel, plan.streams(), plan.window(), ReplicaTrainer.momentVectors(config));
    model.writeState(hidden);
  }

  @Override
  public TrainableModel model() {
    return model;
  }

  @Override
  public Trained train(long step, LanguageModel.Masks masks) throws IOException {
    time = plan.timeInStep(replica, step);
    for (int stream = 0; stream < plan.streams(); stream++) {
      long first = plan.rowStart(replica, stream) + step * plan.window();
      windows.read(stream, first, time);
    }
    boolean mean = config.loss().reduction() == LossConfig.Reduction.TOKEN_MEAN;
    float scale = 1f / (mean ? time * plan.streams() : plan.streams());
    double loss = model.train(time, windows.tokens(), windows.labels(), scale, masks);
    return new Trained(loss, (long) time * plan.streams());
  }

  @Override
  public void updated() {
    model.carryState(time);
  }

  @Override
  public float[] hidden() {
    float[] hidden = new float[spec.stateFloats(plan.streams())];
    model.readState(hidden);
    return hidden;
  }

  @Override
  public void close() {
    model.close();
  }
}
