package org.sparkrnn.common.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.common.parameters.ParameterLayout;

/** A named part of a flat vector with a shape: what {@link Safetensors} writes. A view, no copy. */
public final class Tensor {
  private final String name;
  private final List<Integer> shape;
  private final float[] vector;
  private final int offset;
  private final int size;

  private Tensor(String name, List<Integer> shape, float[] vector, int offset, int size) {
    this.name = name;
    this.shape = shape;
    this.vector = vector;
    this.offset = offset;
    this.size = size;
    Objects.checkFromIndexSize(offset, size, vector.length);
  }

  /** A whole vector; it may be empty. */
  public static Tensor of(String name, float[] vector) {
    return new Tensor(name, List.of(vector.length), vector, 0, vector.length);
  }

  /**
   * Every block of a vector.
   *
   * @param prefix of the names: empty for parameters
   */
  public static List<Tensor> of(String prefix, ParameterLayout layout, float[] vector) {
    if (vector.length != layout.size()) {
      throw new IllegalArgumentException(
          "Cannot view a vector of %d as the %d parameters of the layout"
              .formatted(vector.length, layout.size()));
    }
    List<Tensor> tensors = new ArrayList<>();
    for (ParameterBlock block : layout.blocks()) {
      tensors.add(
          new Tensor(prefix + block.name(), block.shape(), vector, block.offset(), block.size()));
    }
    return List.copyOf(tensors);
  }

  public String name() {
    return name;
  }

  public List<Integer> shape() {
    return shape;
  }

  /** Number of elements. */
  public int size() {
    return size;
  }

  /** The element at an index of the flattened tensor. */
  float element(int index) {
    return vector[offset + index];
  }
}
