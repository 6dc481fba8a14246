package org.sparkrnn.driver.rounds;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Optional;
import org.sparkrnn.driver.messages.Message;
import org.sparkrnn.worker.training.ReplicaStatistics;

/**
 * What a replica's task tells the driver beside its parameters: what it observed and the state it
 * carries on, or why it cannot go on.
 *
 * <p>A replica that diverged or whose input is damaged says so in its report instead of failing its
 * task: trying again would compute the same again.
 */
public final class ReplicaReport extends Message {
  /** Why there are no parameters. */
  enum Failure {
    NONE,
    DIVERGED,
    BAD_INPUT
  }

  private int replica;
  private long nanos;
  private long sendingNanos;
  private ReplicaStatistics statistics = new ReplicaStatistics(0, 0, 0, 0, 0, 0, 0, "");
  private CarriedState state = new CarriedState();
  private Failure failure = Failure.NONE;
  private String sentence = "";

  public ReplicaReport() {}

  static ReplicaReport trained(
      int replica,
      long nanos,
      long sendingNanos,
      ReplicaStatistics statistics,
      CarriedState state) {
    ReplicaReport report = new ReplicaReport();
    report.replica = replica;
    report.nanos = nanos;
    report.sendingNanos = sendingNanos;
    report.statistics = statistics;
    report.state = state;
    return report;
  }

  static ReplicaReport failed(int replica, Failure failure, String sentence) {
    ReplicaReport report = new ReplicaReport();
    report.replica = replica;
    report.failure = failure;
    report.sentence = sentence;
    return report;
  }

  int replica() {
    return replica;
  }

  /** Duration of the task's work: reading, training, writing its state. */
  long nanos() {
    return nanos;
  }

  /** Duration of handing the slices to the shuffle. */
  long sendingNanos() {
    return sendingNanos;
  }

  ReplicaStatistics statistics() {
    return statistics;
  }

  CarriedState state() {
    return state;
  }

  Failure failure() {
    return failure;
  }

  /** One sentence for the user, if the replica failed. */
  Optional<String> failureSentence() {
    return failure == Failure.NONE ? Optional.empty() : Optional.of(sentence);
  }

  @Override
  protected void writeTo(DataOutput out) throws IOException {
    out.writeInt(replica);
    out.writeLong(nanos);
    out.writeLong(sendingNanos);
    statistics.write(out);
    state.writeTo(out);
    out.writeUTF(failure.name());
    out.writeUTF(sentence);
  }

  @Override
  protected void readFrom(DataInput in) throws IOException {
    replica = in.readInt();
    nanos = in.readLong();
    sendingNanos = in.readLong();
    statistics = ReplicaStatistics.read(in);
    state = new CarriedState();
    state.readFrom(in);
    failure = Failure.valueOf(in.readUTF());
    sentence = in.readUTF();
  }
}
