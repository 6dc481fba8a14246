package org.sparkrnn.driver.averaging;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.sparkrnn.driver.messages.Message;
import org.sparkrnn.worker.training.FloatCodec;

/** One slice of the average, on its way from its reducer to the driver. */
public final class AveragedSlice extends Message {
  private int slice;
  private float[] values;
  private long nanos;

  public AveragedSlice() {
    this(0, new float[0], 0);
  }

  public AveragedSlice(int slice, float[] values, long nanos) {
    this.slice = slice;
    this.values = values;
    this.nanos = nanos;
  }

  public int slice() {
    return slice;
  }

  public float[] values() {
    return values;
  }

  /** Duration of fetching and summing the pieces. */
  public long nanos() {
    return nanos;
  }

  @Override
  protected void writeTo(DataOutput out) throws IOException {
    out.writeInt(slice);
    FloatCodec.write(out, values);
    out.writeLong(nanos);
  }

  @Override
  protected void readFrom(DataInput in) throws IOException {
    slice = in.readInt();
    values = FloatCodec.read(in);
    nanos = in.readLong();
  }
}
