package org.sparkrnn.driver.memory;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * The memory that Spark's settings grant a training.
 *
 * @param place where tasks run
 * @param slots tasks that one process may run at once
 * @param executorHeapBytes of each executor
 * @param overheadBytes of each executor beside its heap, where that is limited; else 0
 * @param driverHeapBytes of the driver, and in local mode of its tasks
 * @param maxResultBytes that a job may return to the driver; 0 for no limit
 * @param machineBytes physical memory of the driver's machine or container
 */
record SparkMemory(
    Place place,
    int slots,
    long executorHeapBytes,
    long overheadBytes,
    long driverHeapBytes,
    long maxResultBytes,
    long machineBytes) {
  static final long MEBIBYTE = 1 << 20;

  /** Where tasks run, which decides what limits them. */
  enum Place {
    /** In the driver's process. */
    DRIVER,
    /** In executors that are killed when heap and overhead are exceeded: YARN, Kubernetes. */
    CONTAINERS,
    /** In executors that only their heap limits: standalone. */
    PROCESSES
  }

  /** What a running context grants. */
  static SparkMemory of(JavaSparkContext context) {
    SparkConf conf = context.getConf();
    Place place = place(context.master());
    int cores =
        switch (place) {
          case DRIVER -> context.defaultParallelism();
          case CONTAINERS -> conf.getInt("spark.executor.cores", 1);
          case PROCESSES -> conf.getInt("spark.executor.cores", coresOfExecutors(context));
        };
    return of(
        place,
        conf,
        cores,
        Runtime.getRuntime().maxMemory(),
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize());
  }

  /** As {@link #of(JavaSparkContext)}, of settings alone. */
  static SparkMemory of(
      Place place, SparkConf conf, int cores, long driverHeapBytes, long machineBytes) {
    long heap = conf.getSizeAsMb("spark.executor.memory", "1g") * MEBIBYTE;
    return new SparkMemory(
        place,
        Math.max(1, cores / conf.getInt("spark.task.cpus", 1)),
        heap,
        place == Place.CONTAINERS ? overhead(conf, heap) : 0,
        driverHeapBytes,
        conf.getSizeAsBytes("spark.driver.maxResultSize", "1g"),
        machineBytes);
  }

  private static long overhead(SparkConf conf, long heap) {
    if (conf.contains("spark.executor.memoryOverhead")) {
      return conf.getSizeAsMb("spark.executor.memoryOverhead") * MEBIBYTE;
    }
    double factor =
        conf.getDouble(
            "spark.executor.memoryOverheadFactor",
            conf.getDouble("spark.kubernetes.memoryOverheadFactor", 0.1));
    long least = conf.getSizeAsMb("spark.executor.minMemoryOverhead", "384m") * MEBIBYTE;
    return Math.max(least, (long) (factor * heap));
  }

  private static Place place(String master) {
    if (master.equals("local") || master.startsWith("local[")) {
      return Place.DRIVER;
    }
    return master.startsWith("yarn") || master.startsWith("k8s")
        ? Place.CONTAINERS
        : Place.PROCESSES;
  }

  /** A standalone executor takes all cores of its worker: known once some have registered. */
  private static int coresOfExecutors(JavaSparkContext context) {
    int executors = context.sc().statusTracker().getExecutorInfos().length - 1; // not the driver
    return executors <= 0 ? 1 : Math.max(1, context.defaultParallelism() / executors);
  }
}
