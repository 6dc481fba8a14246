package org.sparkrnn.driver.cost;

import org.sparkrnn.common.config.RoundConfig.Delta;

/**
 * Where the seconds of a round go, as docs/scaling.md derives them from what there is to do and
 * from the machines. The constants are processor time, measured by {@code bench/rounds}.
 *
 * @param schedule starting tasks and taking note of their ends
 * @param broadcast the start leaves the driver and reaches every executor
 * @param compute local steps, parameters and state into the task and out of it
 * @param serialise replicas encode their slices and write them for the shuffle
 * @param shuffle slices travel to the executors of their reducers
 * @param reduce slices are read and averaged
 * @param collect the average travels to the driver and is put together
 * @param outerStep on the driver
 * @param checkpoint a checkpoint's share of each round; not part of {@link #total}
 */
public record RoundCost(
    double schedule,
    double broadcast,
    double compute,
    double serialise,
    double shuffle,
    double reduce,
    double collect,
    double outerStep,
    double checkpoint) {
  private static final double MILLI = 1e-3;
  private static final double NANO = 1e-9;

  /** Two stages, whatever they do. */
  private static final double MILLIS_PER_ROUND = 100;

  /** The driver's share of a task, one after the other. */
  private static final double MILLIS_PER_TASK = 2.5;

  /** The driver broadcasts what each replica carries. */
  private static final double MILLIS_PER_STATE = 1.5;

  /** The executor's share: reading the task, opening and closing files. */
  private static final double MILLIS_IN_REPLICA = 3;

  private static final double MILLIS_IN_REDUCER = 6.5;

  /** What a replica sends to one reducer is a file, a serializer and a compressor of its own. */
  private static final double MILLIS_PER_PIECE = 1.1;

  // Nanoseconds for each value, on one core.
  private static final double NANOS_TO_BROADCAST = 4;
  private static final double NANOS_TO_RECEIVE = 4;
  private static final double NANOS_TO_PREPARE = 6;
  private static final double NANOS_TO_CARRY = 4;
  private static final double NANOS_TO_RETURN = 9.5;
  private static final double NANOS_TO_COLLECT = 4;
  private static final double NANOS_OF_OUTER_STEP = 4.2;
  private static final double NANOS_TO_SAVE = 10;

  /** For one round. */
  public static RoundCost of(RoundWork work, Machines machines) {
    int replicas = work.replicas();
    int slots = machines.slots();
    double vectors = (double) work.parameters() * (1 + work.averagedMoments());
    double waves = wavesOf(replicas, slots);
    double reducing =
        replicas
                * (work.parameters() * nanosToReduce(work.delta())
                    + (vectors - work.parameters()) * nanosToReduce(Delta.FLOAT32))
            + vectors * NANOS_TO_RETURN;
    return new RoundCost(
        MILLI
            * (MILLIS_PER_ROUND
                + replicas * MILLIS_PER_STATE
                + (replicas + work.slices()) * MILLIS_PER_TASK
                + waves * MILLIS_IN_REPLICA
                + wavesOf(work.slices(), slots) * MILLIS_IN_REDUCER),
        NANO * vectors * NANOS_TO_BROADCAST
            + (machines.isLocal() ? 0 : NANO * vectors * NANOS_TO_RECEIVE)
            + machines.secondsToSpread(Float.BYTES * vectors),
        waves
            * (work.localSteps() * work.stepSeconds()
                + NANO * work.parameters() * NANOS_TO_PREPARE
                + NANO * NANOS_TO_CARRY * (work.stateFloats() + vectors - work.parameters())),
        waves
            * (MILLI * work.slices() * MILLIS_PER_PIECE
                + NANO * work.parameters() * nanosToSend(work.delta())
                + NANO * (vectors - work.parameters()) * nanosToSend(Delta.FLOAT32)),
        machines.secondsToExchange(work.sentBytes()),
        NANO * reducing * wavesOf(work.slices(), slots) / Math.max(1, work.slices()),
        NANO * vectors * NANOS_TO_COLLECT + machines.secondsToReceive(Float.BYTES * vectors),
        work.nesterov() ? NANO * work.parameters() * NANOS_OF_OUTER_STEP : 0,
        NANO * work.savedFloats() * NANOS_TO_SAVE / work.roundsPerCheckpoint());
  }

  /** Of a round without checkpoint and evaluation, which one replica needs as well. */
  public double total() {
    return overhead() + compute;
  }

  /** What a round adds to its training. */
  public double overhead() {
    return schedule + broadcast + serialise + shuffle + reduce + collect + outerStep;
  }

  /** How many times as many tokens a second as one replica that never has to average. */
  public static double speedUp(RoundWork work, Machines machines) {
    double alone = work.replicas() * work.localSteps() * work.stepSeconds();
    return alone / of(work, machines).total();
  }

  private static double wavesOf(int tasks, int slots) {
    return Math.ceil((double) tasks / slots);
  }

  private static double nanosToSend(Delta delta) {
    return switch (delta) {
      case FLOAT32 -> 8.9;
      case BF16 -> 7.8;
      case INT8 -> 19;
    };
  }

  private static double nanosToReduce(Delta delta) {
    return switch (delta) {
      case FLOAT32 -> 4.1;
      case BF16 -> 2.2;
      case INT8 -> 2.7;
    };
  }
}
