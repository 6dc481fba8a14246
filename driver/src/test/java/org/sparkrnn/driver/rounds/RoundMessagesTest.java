package org.sparkrnn.driver.rounds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.serializer.JavaSerializer;
import org.apache.spark.serializer.KryoSerializer;
import org.apache.spark.serializer.Serializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkrnn.common.storage.LocalFiles;
import org.sparkrnn.driver.KryoRegistrations;
import org.sparkrnn.driver.messages.FloatVector;
import org.sparkrnn.worker.training.ReplicaState;
import org.sparkrnn.worker.training.ReplicaStatistics;
import scala.reflect.ClassTag$;

class RoundMessagesTest {
  private static final long SEED = 21;

  @TempDir Path folder;

  static Stream<Serializer> serializers() {
    SparkConf conf =
        new SparkConf(false)
            .set("spark.kryo.registrationRequired", "true")
            .set("spark.kryo.registrator", KryoRegistrations.class.getName());
    return Stream.of(new KryoSerializer(conf), new JavaSerializer(conf));
  }

  @ParameterizedTest
  @MethodSource("serializers")
  void everyMessageSurvivesTheTrip(Serializer serializer) throws IOException {
    float[] values = randomValues(100_003);
    assertThat(roundTrip(serializer, new FloatVector(values)).values()).containsExactly(values);

    ReplicaState state = new ReplicaState(randomValues(17), values, 9);
    ReplicaStatistics statistics = new ReplicaStatistics(7, 2.5, 3, 4.5, 2, 1, 99, "java");
    ReplicaReport report =
        roundTrip(
            serializer, ReplicaReport.trained(4, 77, 78, statistics, CarriedState.inline(state)));
    assertThat(report.replica()).isEqualTo(4);
    assertThat(report.nanos()).isEqualTo(77);
    assertThat(report.sendingNanos()).isEqualTo(78);
    assertThat(report.failureSentence()).isEmpty();
    assertThat(report.statistics().lossSumNats()).isEqualTo(2.5);
    assertThat(report.statistics().kernel()).isEqualTo("java");
    ReplicaState carried = report.state().open(new LocalFiles());
    assertThat(carried.hidden()).containsExactly(state.hidden());
    assertThat(carried.moments()).containsExactly(values);
    assertThat(carried.optimizerSteps()).isEqualTo(9);

    ReplicaReport failed =
        roundTrip(serializer, ReplicaReport.failed(1, ReplicaReport.Failure.DIVERGED, "Cannot"));
    assertThat(failed.failure()).isEqualTo(ReplicaReport.Failure.DIVERGED);
    assertThat(failed.failureSentence()).hasValue("Cannot");
  }

  @Test
  void everyMessageIsFinalAndPublicWithAPublicConstructor() throws ReflectiveOperationException {
    for (Class<?> message : RoundMessages.CLASSES) {
      assertThat(message).isFinal().isPublic();
      assertThat(message.getConstructor().newInstance()).isNotNull();
    }
  }

  @Test
  void stateInAFileIsTheStateInline() throws IOException {
    ReplicaState state = new ReplicaState(randomValues(1000), randomValues(70_000), 12);
    String path = folder + "/work/round-7/replica-2.state";
    CarriedState first = CarriedState.write(new LocalFiles(), path, "attempt-1", state);
    CarriedState second = CarriedState.write(new LocalFiles(), path, "attempt-2", state);
    for (CarriedState carried : List.of(first, second)) {
      assertThat(carried.file()).hasValue(path);
      assertThat(carried.open(new LocalFiles()).moments()).containsExactly(state.moments());
      assertThat(carried.open(new LocalFiles()).hidden()).containsExactly(state.hidden());
    }
    try (Stream<Path> files = Files.list(folder.resolve("work/round-7"))) {
      assertThat(files).as("no temporary file stays").hasSize(1);
    }
  }

  @Test
  void aDamagedStateFileIsNamed() throws IOException {
    ReplicaState state = new ReplicaState(randomValues(100), randomValues(100), 12);
    String path = folder + "/replica-0.state";
    CarriedState carried = CarriedState.write(new LocalFiles(), path, "1", state);
    byte[] bytes = Files.readAllBytes(Path.of(path));
    bytes[300] ^= 1;
    Files.write(Path.of(path), bytes);
    assertThatThrownBy(() -> carried.open(new LocalFiles()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(path)
        .hasMessageContaining("checksum");
  }

  private static <T> T roundTrip(Serializer serializer, T message) {
    ByteBuffer bytes =
        serializer.newInstance().serialize(message, ClassTag$.MODULE$.apply(message.getClass()));
    return serializer.newInstance().deserialize(bytes, ClassTag$.MODULE$.apply(message.getClass()));
  }

  private static float[] randomValues(int count) {
    Random random = new Random(SEED);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = random.nextFloat();
    }
    return values;
  }
}
