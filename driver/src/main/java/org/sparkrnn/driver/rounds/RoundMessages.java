package org.sparkrnn.driver.rounds;

import java.util.List;
import org.sparkrnn.driver.averaging.AveragedSlice;
import org.sparkrnn.driver.averaging.SlicePiece;
import org.sparkrnn.driver.messages.Message;

/** The messages of a round, for Kryo's registration. */
public final class RoundMessages {
  public static final List<Class<? extends Message>> CLASSES =
      List.of(CarriedState.class, ReplicaReport.class, SlicePiece.class, AveragedSlice.class);

  private RoundMessages() {}
}
