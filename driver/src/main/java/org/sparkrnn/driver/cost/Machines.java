package org.sparkrnn.driver.cost;

import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * What a training runs on.
 *
 * @param executors 0 in local mode, where nothing is sent over a network
 * @param slots tasks that run at the same time, each on a core of its own
 * @param bandwidth bytes per second from one executor to another
 */
public record Machines(int executors, int slots, double bandwidth) {
  private static final double BROADCAST_BLOCK = 4 << 20; // spark.broadcast.blockSize

  public Machines {
    if (executors < 0 || slots < 1 || !(bandwidth > 0)) {
      throw new IllegalArgumentException(
          "Cannot train on %d executors with %d slots and %s bytes per second"
              .formatted(executors, slots, bandwidth));
    }
  }

  /** The driver itself, or the executors that Spark's settings promise, or those that are there. */
  public static Machines of(JavaSparkContext context, int replicas, double bandwidth) {
    SparkConf conf = context.getConf();
    int cpus = Math.max(1, conf.getInt("spark.task.cpus", 1));
    int processors = Runtime.getRuntime().availableProcessors();
    int cores = Math.max(1, context.defaultParallelism());
    if (context.isLocal()) {
      return new Machines(0, Math.max(1, Math.min(cores, processors) / cpus), bandwidth);
    }
    int registered =
        Math.max(1, context.sc().statusTracker().getExecutorInfos().length - 1); // not the driver
    int each =
        Math.max(1, conf.getInt("spark.executor.cores", Math.max(1, cores / registered)) / cpus);
    int wanted = (replicas + each - 1) / each;
    int executors =
        conf.getBoolean("spark.dynamicAllocation.enabled", false)
            ? Math.min(wanted, conf.getInt("spark.dynamicAllocation.maxExecutors", wanted))
            : Math.max(registered, conf.getInt("spark.executor.instances", 1));
    int slots = Math.max(1, executors) * each;
    boolean oneMachine = context.master().startsWith("local-cluster");
    return new Machines(
        Math.max(1, executors), oneMachine ? Math.min(slots, processors) : slots, bandwidth);
  }

  Machines withSlots(int others) {
    return new Machines(executors, others, bandwidth);
  }

  boolean isLocal() {
    return executors == 0;
  }

  /** The driver's copy reaches all executors, who pass on the blocks that they have. */
  double secondsToSpread(double bytes) {
    if (isLocal()) {
      return 0;
    }
    double hops = Math.ceil(Math.log(executors + 1.0) / Math.log(2));
    return (bytes + (hops - 1) * Math.min(bytes, BROADCAST_BLOCK)) / bandwidth;
  }

  /** Every executor sends all others their slices and receives its own, all at the same time. */
  double secondsToExchange(double bytes) {
    return isLocal() ? 0 : bytes * (executors - 1) / executors / executors / bandwidth;
  }

  /** To the driver. */
  double secondsToReceive(double bytes) {
    return isLocal() ? 0 : bytes / bandwidth;
  }
}
