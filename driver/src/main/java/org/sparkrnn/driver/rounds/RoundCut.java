package org.sparkrnn.driver.rounds;

import java.io.Serializable;

/**
 * How the vectors of a round are cut: the parameters' slices come first, then those of the moments
 * if they are averaged too. One reducer per slice.
 */
record RoundCut(Slices parameters, Slices moments) implements Serializable {

  int slices() {
    return parameters.count() + moments.count();
  }
}
