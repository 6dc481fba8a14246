package org.sparkrnn.driver.rounds;

import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileAlreadyExistsException;
import java.util.Optional;
import java.util.zip.CRC32C;
import java.util.zip.CheckedOutputStream;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.driver.messages.Message;
import org.sparkrnn.worker.training.ReplicaState;

/**
 * A replica's state on its way to the next round: the state itself while it is small, else the name
 * and checksum of the file that a task wrote it to.
 */
public final class CarriedState extends Message {
  private String path = "";
  private long bytes;
  private long checksum;
  private ReplicaState state = ReplicaState.start();

  public CarriedState() {}

  static CarriedState inline(ReplicaState state) {
    CarriedState carried = new CarriedState();
    carried.state = state;
    carried.bytes = state.bytes();
    return carried;
  }

  /**
   * Carries a state in the cheapest way that is allowed.
   *
   * @param inlineBytes up to which it needs no file
   */
  static CarriedState of(
      ReplicaState state, long inlineBytes, Files files, String path, String attempt)
      throws IOException {
    return state.bytes() <= inlineBytes ? inline(state) : write(files, path, attempt, state);
  }

  /**
   * Writes a state to {@code path}, by way of a temporary name that belongs to {@code attempt}: all
   * attempts of a task write equal bytes, so whichever renames first is as good as the others.
   */
  static CarriedState write(Files files, String path, String attempt, ReplicaState state)
      throws IOException {
    CarriedState carried = new CarriedState();
    carried.path = path;
    String temporary = path + "." + attempt;
    CountingStream counter = new CountingStream(files.create(temporary));
    CheckedOutputStream checked = new CheckedOutputStream(counter, new CRC32C());
    try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(checked, 1 << 16))) {
      state.write(out);
    }
    carried.bytes = counter.count;
    carried.checksum = checked.getChecksum().getValue();
    try {
      files.renameNoOverwrite(temporary, path);
    } catch (FileAlreadyExistsException e) {
      files.delete(temporary);
    }
    return carried;
  }

  /** The state, from here or from its file, whose length and checksum are verified. */
  ReplicaState open(Files files) throws IOException {
    if (path.isEmpty()) {
      return state;
    }
    byte[] content = Channels.readAll(files, path, Integer.MAX_VALUE - 8);
    CRC32C actual = new CRC32C();
    actual.update(content);
    if (content.length != bytes || actual.getValue() != checksum) {
      throw new IOException(
          "Cannot read carried state %s: %d bytes with checksum %08x, expected %d with %08x"
              .formatted(path, content.length, actual.getValue(), bytes, checksum));
    }
    return ReplicaState.read(new DataInputStream(new ByteArrayInputStream(content)));
  }

  /** The file that must stay as long as this is carried, if there is one. */
  Optional<String> file() {
    return path.isEmpty() ? Optional.empty() : Optional.of(path);
  }

  @Override
  protected void writeTo(DataOutput out) throws IOException {
    out.writeUTF(path);
    out.writeLong(bytes);
    out.writeLong(checksum);
    state.write(out);
  }

  @Override
  protected void readFrom(DataInput in) throws IOException {
    path = in.readUTF();
    bytes = in.readLong();
    checksum = in.readLong();
    state = ReplicaState.read(in);
  }

  private static final class CountingStream extends FilterOutputStream {
    private long count;

    CountingStream(OutputStream out) {
      super(out);
    }

    @Override
    public void write(int value) throws IOException {
      out.write(value);
      count++;
    }

    @Override
    public void write(byte[] buffer, int from, int length) throws IOException {
      out.write(buffer, from, length);
      count += length;
    }
  }
}
