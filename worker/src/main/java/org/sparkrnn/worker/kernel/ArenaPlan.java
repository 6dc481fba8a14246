package org.sparkrnn.worker.kernel;

import java.util.ArrayList;
import java.util.List;

/**
 * Hands out regions of an arena that does not exist yet, so that its size is known, printed and
 * checked before anything is allocated. Every region starts at a multiple of 16 floats (64 bytes).
 */
public final class ArenaPlan {
  private final List<Region> regions = new ArrayList<>();
  private long floats;

  /** A region of {@code count} floats. */
  public Region region(String name, long count) {
    if (count < 0) {
      throw new IllegalArgumentException("Cannot plan %s: %d floats".formatted(name, count));
    }
    Region region = new Region(name, floats, count);
    regions.add(region);
    floats = Math.addExact(floats, Matrix.padded(count));
    return region;
  }

  /** A region for {@code rows} rows of {@code columns} floats, each padded to a multiple of 16. */
  public Region padded(String name, int rows, int columns) {
    return region(name, Math.multiplyExact((long) rows, Matrix.padded(columns)));
  }

  public long floats() {
    return floats;
  }

  public long bytes() {
    return Math.multiplyExact(floats, (long) Float.BYTES);
  }

  /** All regions in order of their offsets. */
  public List<Region> regions() {
    return List.copyOf(regions);
  }

  /**
   * A part of the arena.
   *
   * @param offset in floats, a multiple of 16
   */
  public record Region(String name, long offset, long floats) {

    /** The region as {@code [rows, columns]} with rows padded to a multiple of 16 floats. */
    public Matrix padded(Arena arena, int rows, int columns) {
      return view(new Matrix(arena, offset, rows, columns, Matrix.padded(columns)));
    }

    /** Floats {@code from} and following as {@code [rows, columns]} without padding. */
    public Matrix dense(Arena arena, long from, int rows, int columns) {
      return view(new Matrix(arena, offset + from, rows, columns, columns));
    }

    /** All floats as one row without padding. */
    public Matrix vector(Arena arena) {
      return dense(arena, 0, 1, Math.toIntExact(floats));
    }

    private Matrix view(Matrix matrix) {
      if (matrix.offset() < offset || matrix.end() > offset + floats) {
        throw new IllegalArgumentException(
            "Cannot view [%d, %d] in region %s of %d floats"
                .formatted(matrix.rows(), matrix.columns(), name, floats));
      }
      return matrix;
    }
  }
}
