package org.sparkrnn.driver.rounds;

import org.apache.spark.Partitioner;

/** Slice i goes to reducer i. */
final class SlicePartitioner extends Partitioner {
  private static final long serialVersionUID = 1;

  private final int slices;

  SlicePartitioner(int slices) {
    this.slices = slices;
  }

  @Override
  public int numPartitions() {
    return slices;
  }

  @Override
  public int getPartition(Object slice) {
    return (Integer) slice;
  }
}
