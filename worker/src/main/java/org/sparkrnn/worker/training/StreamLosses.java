package org.sparkrnn.worker.training;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** What evaluating some neighbouring streams of a split gave. Nobody may write to the arrays. */
public final class StreamLosses {
  private final int firstStream;
  private final double[] lossSumsNats;
  private final long[] predictions;
  private final long[] unknown;

  /**
   * @param firstStream index of the first of these streams
   * @param lossSumsNats sum of the losses of each, in the order of its tokens
   * @param predictions labels of each
   * @param unknown how many of them are the unknown token
   */
  public StreamLosses(int firstStream, double[] lossSumsNats, long[] predictions, long[] unknown) {
    this.firstStream = firstStream;
    this.lossSumsNats = lossSumsNats;
    this.predictions = predictions;
    this.unknown = unknown;
  }

  public int firstStream() {
    return firstStream;
  }

  public int streams() {
    return lossSumsNats.length;
  }

  public double[] lossSumsNats() {
    return lossSumsNats;
  }

  public long[] predictions() {
    return predictions;
  }

  public long[] unknown() {
    return unknown;
  }

  public void write(DataOutput out) throws IOException {
    out.writeInt(firstStream);
    out.writeInt(lossSumsNats.length);
    for (int i = 0; i < lossSumsNats.length; i++) {
      out.writeDouble(lossSumsNats[i]);
      out.writeLong(predictions[i]);
      out.writeLong(unknown[i]);
    }
  }

  public static StreamLosses read(DataInput in) throws IOException {
    int firstStream = in.readInt();
    int streams = in.readInt();
    double[] lossSumsNats = new double[streams];
    long[] predictions = new long[streams];
    long[] unknown = new long[streams];
    for (int i = 0; i < streams; i++) {
      lossSumsNats[i] = in.readDouble();
      predictions[i] = in.readLong();
      unknown[i] = in.readLong();
    }
    return new StreamLosses(firstStream, lossSumsNats, predictions, unknown);
  }
}
