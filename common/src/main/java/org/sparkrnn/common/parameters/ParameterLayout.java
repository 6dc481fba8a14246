package org.sparkrnn.common.parameters;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sparkrnn.common.errors.BadInputException;

/**
 * The order, names and shapes of the blocks in a model's flat parameter vector. Parameters,
 * gradients and moments share one layout. Blocks follow each other without gaps.
 */
public final class ParameterLayout implements Serializable {
  private final List<ParameterBlock> blocks;
  private final Map<String, ParameterBlock> byName;
  private final int size;

  private ParameterLayout(List<ParameterBlock> blocks, int size) {
    this.blocks = List.copyOf(blocks);
    Map<String, ParameterBlock> names = new HashMap<>();
    for (ParameterBlock block : blocks) {
      names.put(block.name(), block);
    }
    this.byName = names;
    this.size = size;
  }

  public static Builder builder() {
    return new Builder();
  }

  /** All blocks in the order of their offsets. */
  public List<ParameterBlock> blocks() {
    return blocks;
  }

  public boolean contains(String name) {
    return byName.containsKey(name);
  }

  /**
   * The block of that name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public ParameterBlock block(String name) {
    ParameterBlock block = byName.get(name);
    if (block == null) {
      throw new IllegalArgumentException(
          "Cannot find parameter block %s: the layout has %s".formatted(name, byName.keySet()));
    }
    return block;
  }

  /** Number of elements of the whole vector. */
  public int size() {
    return size;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ParameterLayout that && blocks.equals(that.blocks);
  }

  @Override
  public int hashCode() {
    return blocks.hashCode();
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (ParameterBlock block : blocks) {
      text.append(block.name()).append(' ').append(block.shape()).append('\n');
    }
    return text.append(size).append(" parameters").toString();
  }

  /** Collects blocks; {@link #build} checks the total. */
  public static final class Builder {
    private record Shape(String name, int rows, int columns, int dimensions) {}

    private final Map<String, Shape> shapes = new java.util.LinkedHashMap<>();

    private Builder() {}

    /** Adds a matrix. */
    public Builder add(String name, int rows, int columns) {
      return add(new Shape(name, rows, columns, 2));
    }

    /** Adds a vector. */
    public Builder add(String name, int size) {
      return add(new Shape(name, size, 1, 1));
    }

    private Builder add(Shape shape) {
      if (shape.rows <= 0 || shape.columns <= 0) {
        throw new IllegalArgumentException(
            "Cannot add parameter block %s: its shape is [%d, %d]"
                .formatted(shape.name, shape.rows, shape.columns));
      }
      if (shapes.putIfAbsent(shape.name, shape) != null) {
        throw new IllegalArgumentException(
            "Cannot add parameter block %s: it is already there".formatted(shape.name));
      }
      return this;
    }

    /**
     * The layout.
     *
     * @throws BadInputException if it has more than 2³¹ − 1 elements
     */
    public ParameterLayout build() {
      long total = 0;
      for (Shape shape : shapes.values()) {
        total = Math.addExact(total, (long) shape.rows * shape.columns);
      }
      if (total > Integer.MAX_VALUE) {
        throw new BadInputException(
            "Cannot lay out a model of %d parameters: the limit is %d; lower model.hidden, "
                    .formatted(total, Integer.MAX_VALUE)
                + "model.layers, model.embedding or corpus.max-vocabulary");
      }
      List<ParameterBlock> blocks = new ArrayList<>();
      int offset = 0;
      for (Shape shape : shapes.values()) {
        blocks.add(
            new ParameterBlock(shape.name, offset, shape.rows, shape.columns, shape.dimensions));
        offset += shape.rows * shape.columns;
      }
      return new ParameterLayout(blocks, offset);
    }
  }
}
