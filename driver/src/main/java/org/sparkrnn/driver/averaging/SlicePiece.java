package org.sparkrnn.driver.averaging;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.sparkrnn.driver.messages.Message;

/** One replica's values of one slice, on the way to the slice's reducer. */
public final class SlicePiece extends Message {
  private int replica;
  private long weight;
  private EncodedSlice values;

  public SlicePiece() {
    this(0, 0, new EncodedSlice());
  }

  public SlicePiece(int replica, long weight, EncodedSlice values) {
    this.replica = replica;
    this.weight = weight;
    this.values = values;
  }

  int replica() {
    return replica;
  }

  /** What the replica counts for in the average; at least 1. */
  long weight() {
    return weight;
  }

  EncodedSlice values() {
    return values;
  }

  @Override
  protected void writeTo(DataOutput out) throws IOException {
    out.writeInt(replica);
    out.writeLong(weight);
    values.write(out);
  }

  @Override
  protected void readFrom(DataInput in) throws IOException {
    replica = in.readInt();
    weight = in.readLong();
    values = EncodedSlice.read(in);
  }
}
