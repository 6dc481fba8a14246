package org.sparkrnn.driver.evaluation;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Optional;
import org.sparkrnn.driver.messages.Message;
import org.sparkrnn.worker.training.SequenceScores;

/** What a task that evaluated some parts of a split of sequences tells the driver, or why not. */
public final class EvaluatedSequences extends Message implements EvaluatedPart {
  private SequenceScores scores = SequenceScores.none();
  private String sentence = "";

  public EvaluatedSequences() {}

  static EvaluatedSequences of(SequenceScores scores) {
    EvaluatedSequences sequences = new EvaluatedSequences();
    sequences.scores = scores;
    return sequences;
  }

  static EvaluatedSequences failed(String sentence) {
    EvaluatedSequences sequences = new EvaluatedSequences();
    sequences.sentence = sentence;
    return sequences;
  }

  SequenceScores scores() {
    return scores;
  }

  @Override
  public Optional<String> failureSentence() {
    return sentence.isEmpty() ? Optional.empty() : Optional.of(sentence);
  }

  @Override
  protected void writeTo(DataOutput out) throws IOException {
    scores.write(out);
    out.writeUTF(sentence);
  }

  @Override
  protected void readFrom(DataInput in) throws IOException {
    scores = SequenceScores.read(in);
    sentence = in.readUTF();
  }
}
