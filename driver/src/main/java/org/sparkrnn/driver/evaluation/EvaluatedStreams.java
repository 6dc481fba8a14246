package org.sparkrnn.driver.evaluation;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Optional;
import org.sparkrnn.driver.messages.Message;
import org.sparkrnn.worker.training.StreamLosses;

/** What a task that evaluated some streams tells the driver, or why it could not. */
public final class EvaluatedStreams extends Message implements EvaluatedPart {
  private StreamLosses losses = new StreamLosses(0, new double[0], new long[0], new long[0]);
  private String sentence = "";

  public EvaluatedStreams() {}

  static EvaluatedStreams of(StreamLosses losses) {
    EvaluatedStreams streams = new EvaluatedStreams();
    streams.losses = losses;
    return streams;
  }

  /** Input that cannot be read: trying again would not help. */
  static EvaluatedStreams failed(String sentence) {
    EvaluatedStreams streams = new EvaluatedStreams();
    streams.sentence = sentence;
    return streams;
  }

  StreamLosses losses() {
    return losses;
  }

  @Override
  public Optional<String> failureSentence() {
    return sentence.isEmpty() ? Optional.empty() : Optional.of(sentence);
  }

  @Override
  protected void writeTo(DataOutput out) throws IOException {
    losses.write(out);
    out.writeUTF(sentence);
  }

  @Override
  protected void readFrom(DataInput in) throws IOException {
    losses = StreamLosses.read(in);
    sentence = in.readUTF();
  }
}
