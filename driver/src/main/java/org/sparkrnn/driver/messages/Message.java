package org.sparkrnn.driver.messages;

import com.esotericsoftware.kryo.Kryo;
import com.esotericsoftware.kryo.KryoException;
import com.esotericsoftware.kryo.KryoSerializable;
import com.esotericsoftware.kryo.io.Input;
import com.esotericsoftware.kryo.io.Output;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.Externalizable;
import java.io.IOException;
import java.io.ObjectInput;
import java.io.ObjectOutput;

/**
 * An object that Spark moves: one pair of methods writes and reads it, whichever of Kryo and Java
 * serialization the cluster is set to.
 *
 * <p>Subclasses are public and final and have a public constructor without arguments, which both
 * serializers call before {@link #readFrom}. They are read-only for everybody else: in local mode
 * the driver and its tasks share broadcast values.
 */
public abstract class Message implements KryoSerializable, Externalizable {

  protected abstract void writeTo(DataOutput out) throws IOException;

  /** Overwrites all fields with what {@link #writeTo} wrote. */
  protected abstract void readFrom(DataInput in) throws IOException;

  @Override
  public final void write(Kryo kryo, Output output) {
    try {
      DataOutputStream out = new DataOutputStream(output);
      writeTo(out);
      out.flush();
    } catch (IOException e) {
      throw new KryoException("Cannot write a " + getClass().getSimpleName(), e);
    }
  }

  @Override
  public final void read(Kryo kryo, Input input) {
    try {
      readFrom(new DataInputStream(input));
    } catch (IOException e) {
      throw new KryoException("Cannot read a " + getClass().getSimpleName(), e);
    }
  }

  @Override
  public final void writeExternal(ObjectOutput out) throws IOException {
    writeTo(out);
  }

  @Override
  public final void readExternal(ObjectInput in) throws IOException {
    readFrom(in);
  }
}
