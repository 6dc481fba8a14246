package org.sparkrnn.worker.model;

/** The distinct tokens of a window, in the order of their first position. */
public final class TouchedRows {
  private final int[] lastWindow;
  private final int[] rows;
  private int count;
  private int windows;

  /**
   * For windows of so many positions at most.
   *
   * @param vocabulary rows of the table; 0 if there is none
   */
  public TouchedRows(int vocabulary, int positions) {
    this.lastWindow = new int[vocabulary];
    this.rows = new int[Math.min(vocabulary, positions)];
  }

  /** Whether it is made for a vocabulary. */
  boolean isKept() {
    return lastWindow.length > 0;
  }

  /** Replaces the rows by those of the first positions' tokens. */
  public void collect(int[] tokens, int positions) {
    windows++;
    count = 0;
    for (int p = 0; p < positions; p++) {
      int token = tokens[p];
      if (lastWindow[token] != windows) {
        lastWindow[token] = windows;
        rows[count++] = token;
      }
    }
  }

  /** Of which the first {@link #count} are meant; read only. */
  public int[] rows() {
    return rows;
  }

  public int count() {
    return count;
  }
}
