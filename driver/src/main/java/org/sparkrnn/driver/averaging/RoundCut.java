package org.sparkrnn.driver.averaging;

import java.io.Serializable;

/**
 * How the vectors of a round are cut: the parameters' slices come first, then those of the moments
 * if they are averaged too. One reducer per slice.
 */
public record RoundCut(Slices parameters, Slices moments) implements Serializable {

  public int slices() {
    return parameters.count() + moments.count();
  }
}
