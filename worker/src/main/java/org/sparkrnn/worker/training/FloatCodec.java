package org.sparkrnn.worker.training;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Float arrays as a big-endian length and little-endian elements, moved in blocks. */
public final class FloatCodec {
  private static final int BLOCK_FLOATS = 16_384;

  private FloatCodec() {}

  public static void write(DataOutput out, float[] values) throws IOException {
    out.writeInt(values.length);
    byte[] bytes = new byte[Math.min(BLOCK_FLOATS, values.length) * Float.BYTES];
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int from = 0; from < values.length; from += BLOCK_FLOATS) {
      int count = Math.min(BLOCK_FLOATS, values.length - from);
      buffer.asFloatBuffer().put(values, from, count);
      out.write(bytes, 0, count * Float.BYTES);
    }
  }

  public static float[] read(DataInput in) throws IOException {
    int length = in.readInt();
    if (length < 0) {
      throw new IOException("Cannot read a float array: its length is " + length);
    }
    float[] values = new float[length];
    byte[] bytes = new byte[Math.min(BLOCK_FLOATS, length) * Float.BYTES];
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int from = 0; from < length; from += BLOCK_FLOATS) {
      int count = Math.min(BLOCK_FLOATS, length - from);
      in.readFully(bytes, 0, count * Float.BYTES);
      buffer.asFloatBuffer().get(values, from, count);
    }
    return values;
  }
}
