package org.sparkrnn.driver.averaging;

import org.apache.spark.Partitioner;

/** Slice i goes to reducer i. */
public final class SlicePartitioner extends Partitioner {
  private static final long serialVersionUID = 1;

  private final int slices;

  public SlicePartitioner(int slices) {
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
