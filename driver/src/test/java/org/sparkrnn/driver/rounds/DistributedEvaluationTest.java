package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.corpus.TokenReader;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.storage.LocalFiles;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.driver.cluster.JobWatch;
import org.sparkrnn.driver.cluster.StopRequest;
import org.sparkrnn.driver.evaluation.DistributedEvaluation;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.model.ModelSpec;
import org.sparkrnn.worker.training.Evaluation;
import org.sparkrnn.worker.training.Evaluator;

@Timeout(120)
class DistributedEvaluationTest {
  @TempDir Path folder;

  @Test
  void equalsTheEvaluationInOnePieceForAnyNumberOfStreams() throws IOException {
    Path corpus = TestRuns.corpus(folder.resolve("corpus"), 91, 200, 157);
    TrainingConfig config =
        TestRuns.config(corpus.toString(), folder.resolve("run"), Map.of("model.cell", "gru"));
    ModelSpec spec = ModelSpec.of(config.model(), TestRuns.VOCABULARY);
    float[] parameters = spec.initialise(config.model(), 7);
    try (SparkTestCluster cluster = SparkTestCluster.local(2, Serialization.KRYO)) {
      DistributedEvaluation distributed =
          new DistributedEvaluation(
              cluster.context(),
              new HadoopFiles(cluster.context().hadoopConfiguration()),
              corpus.toString(),
              config.kernel(),
              spec,
              new JobWatch(new StopRequest(), Duration.ofMinutes(1), Duration.ofSeconds(1)));
      for (int streams : new int[] {1, 2, 5, 20}) {
        Evaluation evaluation = distributed.evaluate(parameters, "valid", streams);
        assertThat(evaluation).isEqualTo(inOnePiece(corpus, spec, parameters, streams));
        assertThat(evaluation.predictions()).isEqualTo(157 - streams);
      }
      assertThatThrownBy(() -> distributed.evaluate(parameters, "valid", 157))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("157");
      assertThatThrownBy(() -> distributed.evaluate(parameters, "test", 1))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining("test");
    }
  }

  private static Evaluation inOnePiece(Path corpus, ModelSpec spec, float[] parameters, int streams)
      throws IOException {
    CorpusReader reader = new CorpusReader(new LocalFiles(), corpus.toString());
    try (TokenReader tokens = reader.tokens("valid")) {
      return Evaluator.evaluate(
          spec,
          new JavaKernel(),
          parameters,
          tokens::read,
          tokens.tokens(),
          streams,
          streams,
          Evaluator.NO_UNKNOWN);
    }
  }
}
