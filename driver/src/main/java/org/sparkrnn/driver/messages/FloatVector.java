package org.sparkrnn.driver.messages;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.sparkrnn.worker.training.FloatCodec;

/** A flat vector of parameters or moments, as it is broadcast. Nobody writes to it. */
public final class FloatVector extends Message {
  private float[] values;

  public FloatVector() {
    this(new float[0]);
  }

  /** Wraps {@code values} without a copy. */
  public FloatVector(float[] values) {
    this.values = values;
  }

  /** The array itself: copy it before changing anything. */
  public float[] values() {
    return values;
  }

  @Override
  protected void writeTo(DataOutput out) throws IOException {
    FloatCodec.write(out, values);
  }

  @Override
  protected void readFrom(DataInput in) throws IOException {
    values = FloatCodec.read(in);
  }
}
