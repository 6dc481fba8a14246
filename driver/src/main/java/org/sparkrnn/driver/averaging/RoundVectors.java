package org.sparkrnn.driver.averaging;

import java.io.Serializable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.broadcast.Broadcast;
import org.sparkrnn.driver.averaging.RoundCut.Part;
import org.sparkrnn.driver.messages.FloatVector;
import org.sparkrnn.driver.messages.Message;
import org.sparkrnn.worker.random.PhiloxKey;
import scala.Tuple2;

/**
 * What the tasks of a round know of its vectors: how they are cut and sent, and what all replicas
 * began with.
 *
 * @param start parameters
 * @param moments empty unless they are averaged
 */
public record RoundVectors(
    RoundCut cut, Broadcast<FloatVector> start, Broadcast<FloatVector> moments)
    implements Serializable {

  /**
   * The slices of one replica, each for the reducer of its number, encoded one by one as the
   * shuffle writes them.
   *
   * @param weight what the replica counts for
   * @param key for differences that are rounded at random
   */
  public Stream<Tuple2<Integer, Message>> pieces(
      int replica, long weight, float[] trained, float[] trainedMoments, PhiloxKey key) {
    return IntStream.range(0, cut.slices())
        .mapToObj(
            slice -> {
              Part part = cut.part(slice);
              float[] vector = part.of(trained, trainedMoments);
              EncodedSlice values = EncodedSlice.of(part, vector, startOf(part), key);
              return new Tuple2<>(slice, new SlicePiece(replica, weight, values));
            });
  }

  /** What the vector of a part was when the round began. */
  float[] startOf(Part part) {
    return part.of(start, moments).value().values();
  }
}
