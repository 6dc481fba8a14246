package org.sparkrnn.driver.averaging;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.sparkrnn.driver.messages.Message;

/** One slice of the average, on its way from its reducer to the driver. */
public final class AveragedSlice extends Message {
  private int slice;
  private EncodedSlice values;
  private long nanos;

  public AveragedSlice() {
    this(0, new EncodedSlice(), 0);
  }

  public AveragedSlice(int slice, EncodedSlice values, long nanos) {
    this.slice = slice;
    this.values = values;
    this.nanos = nanos;
  }

  public int slice() {
    return slice;
  }

  public EncodedSlice values() {
    return values;
  }

  /** Duration of fetching and summing the pieces. */
  public long nanos() {
    return nanos;
  }

  @Override
  protected void writeTo(DataOutput out) throws IOException {
    out.writeInt(slice);
    values.write(out);
    out.writeLong(nanos);
  }

  @Override
  protected void readFrom(DataInput in) throws IOException {
    slice = in.readInt();
    values = EncodedSlice.read(in);
    nanos = in.readLong();
  }
}
