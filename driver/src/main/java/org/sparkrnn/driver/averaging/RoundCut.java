package org.sparkrnn.driver.averaging;

import java.io.Serializable;
import org.sparkrnn.common.config.RoundConfig.Delta;

/**
 * How the vectors of a round are cut and sent: the parameters' slices come first, then those of the
 * moments if they are averaged too. One reducer per slice.
 *
 * @param rows of the parameters that a replica may leave untouched
 * @param delta what is sent of the parameters; moments are sent as they are
 */
public record RoundCut(Slices parameters, Slices moments, EmbeddingRows rows, Delta delta)
    implements Serializable {

  public int slices() {
    return parameters.count() + moments.count();
  }

  /** What slice {@code slice} holds. */
  public Part part(int slice) {
    int ofMoments = slice - parameters.count();
    return ofMoments < 0
        ? new Part(true, parameters.from(slice), parameters.to(slice), rows, delta)
        : new Part(
            false,
            moments.from(ofMoments),
            moments.to(ofMoments),
            EmbeddingRows.NONE,
            Delta.FLOAT32);
  }

  /**
   * A slice's place and the way it is sent.
   *
   * @param from its first element in the vector
   * @param to behind its last
   */
  public record Part(boolean ofParameters, int from, int to, EmbeddingRows rows, Delta delta) {

    int length() {
      return to - from;
    }

    /** The same place, sent without loss. */
    Part exact() {
      return new Part(ofParameters, from, to, rows, Delta.FLOAT32);
    }

    /** The vector that the slice is of. */
    public <T> T of(T ofParametersVector, T ofMomentsVector) {
      return ofParameters ? ofParametersVector : ofMomentsVector;
    }
  }
}
