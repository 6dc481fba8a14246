package org.sparkrnn.driver.rounds;

import java.lang.management.ManagementFactory;
import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.spark.api.java.function.PairFlatMapFunction;
import org.apache.spark.broadcast.Broadcast;
import org.sparkrnn.driver.averaging.RoundVectors;
import org.sparkrnn.driver.messages.Message;
import org.sparkrnn.worker.random.PhiloxKey;
import org.sparkrnn.worker.training.ReplicaStatistics;
import scala.Tuple2;

/**
 * The task of a replica that trains nothing: every parameter moves by a cheap random number, so
 * that what is sent is as long and as incompressible as after a real round. In its report the
 * duration of the work is the processor time of making these numbers and that of sending is
 * processor time too.
 */
final class TrivialReplica implements PairFlatMapFunction<Iterator<Integer>, Integer, Message> {
  private static final long serialVersionUID = 1;
  private static final float LARGEST = 0.01f;

  private final RoundVectors vectors;
  private final List<Broadcast<CarriedState>> states;

  TrivialReplica(RoundVectors vectors, List<Broadcast<CarriedState>> states) {
    this.vectors = vectors;
    this.states = List.copyOf(states);
  }

  @Override
  public Iterator<Tuple2<Integer, Message>> call(Iterator<Integer> replicas) {
    int replica = replicas.next();
    long begin = processorNanos();
    float[] start = vectors.start().value().values();
    float[] trained = moved(start, replica);
    CarriedState state = states.get(replica).value();
    long moved = processorNanos();
    Stream<Tuple2<Integer, Message>> pieces =
        vectors.pieces(replica, 1 + replica, trained, new float[0], PhiloxKey.delta(1, 0, replica));
    Supplier<ReplicaReport> report =
        () ->
            ReplicaReport.trained(
                replica,
                moved - begin,
                processorNanos() - moved,
                new ReplicaStatistics(1, 1, 1, 0, 0, 0, 0, "none"),
                state);
    return Stream.concat(
            pieces,
            Stream.of(replica % vectors.cut().slices())
                .map(reducer -> new Tuple2<Integer, Message>(reducer, report.get())))
        .iterator();
  }

  static float[] moved(float[] start, int seed) {
    float[] moved = new float[start.length];
    int random = 2 * seed + 1;
    for (int i = 0; i < moved.length; i++) {
      random ^= random << 13; // Marsaglia 2003
      random ^= random >>> 17;
      random ^= random << 5;
      moved[i] = start[i] + random * (LARGEST / Integer.MAX_VALUE);
    }
    return moved;
  }

  static long processorNanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }
}
