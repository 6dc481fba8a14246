package org.sparkrnn.worker.training;

import java.io.IOException;
import org.sparkrnn.common.config.LossConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.ActivationPenalties;
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
  private final Windows windows;
  private final WindowReader reader;
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
    this.windows = Windows.of(config);
    this.reader = new WindowReader(tokens, plan.streams(), windows.longest());
    this.model =
        LanguageModel.forTraining(
            spec, kernel, plan.streams(), windows.longest(), ReplicaTrainer.momentVectors(config));
    model.writeState(hidden);
  }

  @Override
  public TrainableModel model() {
    return model;
  }

  @Override
  public Trained train(long step, long first, LanguageModel.Masks masks) throws IOException {
    time = (int) Math.min(windows.length(masks.step()), plan.rowLength(replica) - first);
    for (int stream = 0; stream < plan.streams(); stream++) {
      reader.read(stream, plan.rowStart(replica, stream) + first, time);
    }
    boolean mean = config.loss().reduction() == LossConfig.Reduction.TOKEN_MEAN;
    float scale = 1f / (mean ? time * plan.streams() : plan.streams());
    double loss =
        model.train(
            time,
            reader.tokens(),
            reader.labels(),
            scale,
            ActivationPenalties.of(config.loss()),
            masks);
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
