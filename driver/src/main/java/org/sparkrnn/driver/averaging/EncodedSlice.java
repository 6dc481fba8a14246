package org.sparkrnn.driver.averaging;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;
import org.sparkrnn.common.config.RoundConfig.Delta;
import org.sparkrnn.driver.averaging.RoundCut.Part;
import org.sparkrnn.worker.kernel.Bfloat16;
import org.sparkrnn.worker.random.PhiloxKey;
import org.sparkrnn.worker.training.FloatCodec;

/**
 * A slice of a replica's vector as it is sent: its values ({@code float32}) or what they differ by
 * from the round's start ({@code bf16}, {@code int8}), for every element or, where that is shorter,
 * without the embedding's rows that are as the start has them. Whether rows are left out never
 * shows in what is read; docs/numerics.md, section 11, has the formulas.
 *
 * <p>Read-only. Elements count from the slice's first.
 */
public final class EncodedSlice {
  private static final PhiloxKey NO_KEY = new PhiloxKey(0, 0, 0, 0);

  private Delta delta = Delta.FLOAT32;

  /** By fragment of a row whether it is there; empty if all are. */
  private BitSet sent = new BitSet();

  private boolean sparse;

  /** {@code int8}: by block. */
  private float[] scales = {};

  /** Little-endian, elements that are not there left out. */
  private byte[] codes = {};

  EncodedSlice() {}

  /** What a replica sends of its vector: {@code start} is the round's, {@code vector} as long. */
  public static EncodedSlice of(Part part, float[] vector, float[] start, PhiloxKey key) {
    return of(part, vector, part.from(), start, key);
  }

  /** Values of the part alone, without loss. */
  static EncodedSlice exact(Part part, float[] values, float[] start) {
    return of(part.exact(), values, 0, start, NO_KEY);
  }

  /**
   * Encodes a part of a vector.
   *
   * @param at where the part begins in {@code vector}
   * @param start of the round; only read where there are rows or differences are sent
   * @param key for the rounding of {@code int8}; the index is the element's in the vector
   */
  private static EncodedSlice of(Part part, float[] vector, int at, float[] start, PhiloxKey key) {
    EncodedSlice slice = new EncodedSlice();
    slice.delta = part.delta();
    slice.codes = new byte[Math.multiplyExact(part.length(), width(slice.delta))];
    ByteBuffer out = ByteBuffer.wrap(slice.codes).order(ByteOrder.LITTLE_ENDIAN);
    switch (slice.delta) {
      case FLOAT32 -> out.asFloatBuffer().put(vector, at, part.length());
      case BF16 -> {
        for (int i = 0; i < part.length(); i++) {
          float rounded = Bfloat16.round(vector[at + i] - start[part.from() + i]);
          out.putShort((short) (Float.floatToRawIntBits(rounded) >>> 16));
        }
      }
      case INT8 -> slice.scales = Int8Blocks.encode(part, vector, at, start, key, slice.codes);
    }
    slice.leaveOutUntouched(part, vector, at, start);
    return slice;
  }

  private void leaveOutUntouched(Part part, float[] vector, int at, float[] start) {
    EmbeddingRows rows = part.rows();
    int from = part.from();
    int to = part.to();
    int fragments = rows.fragments(from, to);
    int width = width(delta);
    BitSet touched = new BitSet(fragments);
    int length = codes.length;
    for (int fragment = 0; fragment < fragments; fragment++) {
      int begin = rows.fragmentEnd(fragment - 1, from, to);
      int end = rows.fragmentEnd(fragment, from, to);
      if (isTouched(vector, at, start, from, begin, end)) {
        touched.set(fragment);
      } else {
        length -= (end - begin) * width;
      }
    }
    if (length + (fragments + Byte.SIZE - 1) / Byte.SIZE >= codes.length) {
      return;
    }
    byte[] kept = new byte[length];
    int next = 0;
    int begin = 0;
    for (int fragment = 0; fragment < fragments; fragment++) {
      int end = rows.fragmentEnd(fragment, from, to);
      if (touched.get(fragment)) {
        System.arraycopy(codes, begin * width, kept, next, (end - begin) * width);
        next += (end - begin) * width;
      }
      begin = end;
    }
    System.arraycopy(codes, begin * width, kept, next, codes.length - begin * width);
    codes = kept;
    sent = touched;
    sparse = true;
  }

  private boolean isTouched(float[] vector, int at, float[] start, int from, int begin, int end) {
    if (delta == Delta.FLOAT32) {
      for (int i = begin; i < end; i++) {
        if (Float.floatToRawIntBits(vector[at + i]) != Float.floatToRawIntBits(start[from + i])) {
          return true;
        }
      }
      return false;
    }
    for (int i = begin * width(delta); i < end * width(delta); i++) {
      if (codes[i] != 0) {
        return true;
      }
    }
    return false;
  }

  /**
   * Adds {@code weight} times each value, or each difference from the start, to {@code sums}.
   *
   * @param start the one it was encoded with
   */
  void addTo(double[] sums, double weight, Part part, float[] start) {
    EmbeddingRows rows = part.rows();
    int from = part.from();
    int to = part.to();
    int fragments = sparse ? rows.fragments(from, to) : 0;
    ByteBuffer in = ByteBuffer.wrap(codes).order(ByteOrder.LITTLE_ENDIAN);
    int begin = 0;
    for (int fragment = 0; fragment < fragments; fragment++) {
      int end = rows.fragmentEnd(fragment, from, to);
      if (sent.get(fragment)) {
        add(in, sums, weight, begin, end);
      } else if (delta == Delta.FLOAT32) {
        for (int i = begin; i < end; i++) {
          sums[i] += weight * start[from + i];
        }
      }
      begin = end;
    }
    add(in, sums, weight, begin, sums.length);
  }

  private void add(ByteBuffer in, double[] sums, double weight, int begin, int end) {
    switch (delta) {
      case FLOAT32 -> {
        for (int i = begin; i < end; i++) {
          sums[i] += weight * in.getFloat();
        }
      }
      case BF16 -> {
        for (int i = begin; i < end; i++) {
          sums[i] += weight * Float.intBitsToFloat(in.getShort() << 16);
        }
      }
      case INT8 -> {
        for (int i = begin; i < end; i++) {
          sums[i] += weight * (in.get() * (double) scales[i / Int8Blocks.LENGTH]);
        }
      }
    }
  }

  /** Puts the values themselves where they belong in a vector; they must be {@code float32}. */
  public void copyTo(float[] target, Part part, float[] start) {
    EmbeddingRows rows = part.rows();
    int from = part.from();
    int to = part.to();
    int fragments = sparse ? rows.fragments(from, to) : 0;
    ByteBuffer in = ByteBuffer.wrap(codes).order(ByteOrder.LITTLE_ENDIAN);
    int begin = 0;
    for (int fragment = 0; fragment < fragments; fragment++) {
      int end = rows.fragmentEnd(fragment, from, to);
      if (sent.get(fragment)) {
        copy(in, target, from + begin, end - begin);
      } else {
        System.arraycopy(start, from + begin, target, from + begin, end - begin);
      }
      begin = end;
    }
    copy(in, target, from + begin, to - from - begin);
  }

  private static void copy(ByteBuffer in, float[] target, int at, int count) {
    in.asFloatBuffer().get(target, at, count);
    in.position(in.position() + count * Float.BYTES);
  }

  Delta delta() {
    return delta;
  }

  /** What it takes on its way, length fields aside. */
  public int bytes() {
    return codes.length + Float.BYTES * scales.length + (sparse ? (sent.length() + 7) / 8 : 0);
  }

  void write(DataOutput out) throws IOException {
    out.writeUTF(delta.name());
    out.writeBoolean(sparse);
    if (sparse) {
      byte[] bits = sent.toByteArray();
      out.writeInt(bits.length);
      out.write(bits);
    }
    FloatCodec.write(out, scales);
    out.writeInt(codes.length);
    out.write(codes);
  }

  static EncodedSlice read(DataInput in) throws IOException {
    EncodedSlice slice = new EncodedSlice();
    slice.delta = Delta.valueOf(in.readUTF());
    slice.sparse = in.readBoolean();
    if (slice.sparse) {
      slice.sent = BitSet.valueOf(bytes(in));
    }
    slice.scales = FloatCodec.read(in);
    slice.codes = bytes(in);
    return slice;
  }

  private static byte[] bytes(DataInput in) throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return bytes;
  }

  private static int width(Delta delta) {
    return switch (delta) {
      case FLOAT32 -> Float.BYTES;
      case BF16 -> Short.BYTES;
      case INT8 -> 1;
    };
  }
}
