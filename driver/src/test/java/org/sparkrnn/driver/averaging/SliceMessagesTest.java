package org.sparkrnn.driver.averaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import org.apache.spark.SparkConf;
import org.apache.spark.serializer.JavaSerializer;
import org.apache.spark.serializer.KryoSerializer;
import org.apache.spark.serializer.Serializer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkrnn.common.config.RoundConfig.Delta;
import org.sparkrnn.driver.KryoRegistrations;
import org.sparkrnn.driver.averaging.RoundCut.Part;
import org.sparkrnn.worker.random.PhiloxKey;
import scala.reflect.ClassTag$;

/** A slice says the same after its trip, with rows left out and without, in every encoding. */
class SliceMessagesTest {
  private static final int LENGTH = 100_003;
  private static final EmbeddingRows ROWS = new EmbeddingRows(1000, 70);
  private static final List<Serializer> SERIALIZERS = serializers();

  private final float[] start = new float[LENGTH];
  private final float[] trained = new float[LENGTH];

  SliceMessagesTest() {
    Random random = new Random(41);
    for (int i = 0; i < LENGTH; i++) {
      start[i] = random.nextFloat();
      trained[i] = i > 70_000 || i / 70 % 3 == 0 ? random.nextFloat() : start[i];
    }
  }

  @ParameterizedTest
  @EnumSource(Delta.class)
  void aPieceSurvivesTheTrip(Delta delta) {
    for (EmbeddingRows rows : List.of(ROWS, EmbeddingRows.NONE)) {
      Part part = new Part(true, 0, LENGTH, rows, delta);
      EncodedSlice values = EncodedSlice.of(part, trained, start, PhiloxKey.delta(1, 2, 3));
      SlicePiece piece = new SlicePiece(3, 1L << 40, values);
      float[] expected = WeightedAverage.of(List.of(piece), part, start);
      for (Serializer serializer : SERIALIZERS) {
        SlicePiece arrived = roundTrip(serializer, piece);
        assertThat(arrived.replica()).isEqualTo(3);
        assertThat(arrived.weight()).isEqualTo(1L << 40);
        assertThat(arrived.values().bytes()).isEqualTo(values.bytes());
        assertThat(WeightedAverage.of(List.of(arrived), part, start)).containsExactly(expected);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Delta.class)
  void anAverageReachesTheDriverExactly(Delta delta) {
    Part part = new Part(true, 0, LENGTH, ROWS, delta);
    for (Serializer serializer : SERIALIZERS) {
      AveragedSlice slice =
          roundTrip(serializer, new AveragedSlice(5, EncodedSlice.exact(part, trained, start), 6));
      assertThat(slice.slice()).isEqualTo(5);
      assertThat(slice.nanos()).isEqualTo(6);
      float[] target = new float[LENGTH];
      slice.values().copyTo(target, part, start);
      assertThat(target).containsExactly(trained);
    }
  }

  private static List<Serializer> serializers() {
    SparkConf conf =
        new SparkConf(false)
            .set("spark.kryo.registrationRequired", "true")
            .set("spark.kryo.registrator", KryoRegistrations.class.getName());
    return List.of(new KryoSerializer(conf), new JavaSerializer(conf));
  }

  private static <T> T roundTrip(Serializer serializer, T message) {
    ByteBuffer bytes =
        serializer.newInstance().serialize(message, ClassTag$.MODULE$.apply(message.getClass()));
    return serializer.newInstance().deserialize(bytes, ClassTag$.MODULE$.apply(message.getClass()));
  }
}
