package org.sparkrnn.driver;

import com.esotericsoftware.kryo.Kryo;
import org.apache.spark.serializer.KryoRegistrator;
import org.sparkrnn.driver.evaluation.EvaluatedSequences;
import org.sparkrnn.driver.evaluation.EvaluatedStreams;
import org.sparkrnn.driver.messages.FloatVector;
import org.sparkrnn.driver.rounds.RoundMessages;

/**
 * The classes that our jobs move by Kryo when a user sets {@code spark.serializer} to it: task
 * results, broadcasts and elements of RDDs. For {@code spark.kryo.registrator}; the tests run with
 * {@code spark.kryo.registrationRequired}.
 */
public final class KryoRegistrations implements KryoRegistrator {

  @Override
  public void registerClasses(Kryo kryo) {
    // Kryo 4 cannot serialize records: only final classes with their own codec belong here.
    kryo.register(byte[][].class);
    kryo.register(long[][].class);
    kryo.register(float[][].class);
    kryo.register(Object[].class);
    kryo.register(FloatVector.class);
    kryo.register(EvaluatedStreams.class);
    kryo.register(EvaluatedSequences.class);
    RoundMessages.CLASSES.forEach(kryo::register);
  }
}
