package org.sparkrnn.driver.averaging;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.sparkrnn.driver.averaging.RoundCut.Part;
import org.sparkrnn.driver.messages.Message;
import scala.Tuple2;

/**
 * The reducer of one slice: buffers the replicas' pieces, averages them in replica order and hands
 * on the reports that came along.
 */
public final class AverageSlice
    implements FlatMapFunction<Iterator<Tuple2<Integer, Message>>, Message> {
  private static final long serialVersionUID = 1;

  private final RoundVectors vectors;

  public AverageSlice(RoundVectors vectors) {
    this.vectors = vectors;
  }

  @Override
  public Iterator<Message> call(Iterator<Tuple2<Integer, Message>> arriving) {
    long begin = System.nanoTime();
    List<SlicePiece> pieces = new ArrayList<>();
    List<Message> results = new ArrayList<>();
    int slice = 0;
    while (arriving.hasNext()) {
      Tuple2<Integer, Message> next = arriving.next();
      if (next._2() instanceof SlicePiece piece) {
        pieces.add(piece);
        slice = next._1();
      } else {
        results.add(next._2());
      }
    }
    if (!pieces.isEmpty()) {
      Part part = vectors.cut().part(slice);
      float[] start = vectors.startOf(part);
      EncodedSlice values =
          EncodedSlice.exact(part, WeightedAverage.of(pieces, part, start), start);
      results.add(new AveragedSlice(slice, values, System.nanoTime() - begin));
    }
    return results.iterator();
  }
}
