package org.sparkrnn.worker.training;

import java.io.IOException;
import org.sparkrnn.common.config.LossConfig;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.sequences.SequenceSource;
import org.sparkrnn.worker.kernel.Kernel;
import org.sparkrnn.worker.model.LanguageModel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.model.TrainableModel;
import org.sparkrnn.worker.sequences.EpochOrder;
import org.sparkrnn.worker.sequences.SequenceBatch;
import org.sparkrnn.worker.sequences.SequenceModel;

/** The steps of a model of sequences: a batch of the replica's sequences, nothing carried on. */
final class SequenceSteps implements LocalSteps {
  private final boolean mean;
  private final SequenceSource source;
  private final EpochOrder order;
  private final SequenceBatch batch;
  private final SequenceModel model;
  private final long[] numbers;

  SequenceSteps(
      TrainingConfig config,
      ModelSpec spec,
      Kernel kernel,
      Plan plan,
      ReplicaTask task,
      SequenceSource source) {
    this.mean = config.loss().reduction() == LossConfig.Reduction.TOKEN_MEAN;
    this.source = source;
    this.order =
        new EpochOrder(
            source,
            config.training().seed(),
            task.epoch(),
            task.replica(),
            plan.tokens(),
            plan.firstToken(task.replica()),
            plan.predictions(task.replica()),
            plan.streams(),
            config.batch().bucketBatches());
    this.batch = new SequenceBatch(spec, plan.streams(), plan.window());
    this.numbers = new long[plan.streams()];
    this.model =
        SequenceModel.forTraining(
            spec, kernel, plan.streams(), plan.window(), ReplicaTrainer.momentVectors(config));
  }

  @Override
  public TrainableModel model() {
    return model;
  }

  @Override
  public Trained train(long step, long first, LanguageModel.Masks masks) throws IOException {
    int count = order.batch(step, numbers);
    batch.fill(source, numbers, count, true);
    float scale = 1f / (mean ? batch.predictions() : count);
    return new Trained(model.train(batch, scale, masks), batch.predictions());
  }

  @Override
  public void updated() {}

  @Override
  public float[] hidden() {
    return new float[0];
  }

  @Override
  public void close() {
    model.close();
  }
}
