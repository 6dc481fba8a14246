package org.sparkrnn.driver.averaging;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.sparkrnn.driver.messages.Message;
import org.sparkrnn.worker.training.FloatCodec;

/** One replica's values of one slice, on the way to the slice's reducer. */
public final class SlicePiece extends Message {
  private int replica;
  private long weight;
  private float[] values;

  public SlicePiece() {
    this(0, 0, new float[0]);
  }

  public SlicePiece(int replica, long weight, float[] values) {
    this.replica = replica;
    this.weight = weight;
    this.values = values;
  }

  public int replica() {
    return replica;
  }

  /** What the replica counts for in the average; at least 1. */
  public long weight() {
    return weight;
  }

  public float[] values() {
    return values;
  }

  @Override
  protected void writeTo(DataOutput out) throws IOException {
    out.writeInt(replica);
    out.writeLong(weight);
    FloatCodec.write(out, values);
  }

  @Override
  protected void readFrom(DataInput in) throws IOException {
    replica = in.readInt();
    weight = in.readLong();
    values = FloatCodec.read(in);
  }
}
