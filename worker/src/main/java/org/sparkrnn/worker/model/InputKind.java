package org.sparkrnn.worker.model;

/** How a token enters the first layer. */
public enum InputKind {
  /** As a row of a trained table. */
  EMBEDDING,
  /** As a unit vector of the vocabulary's size, which is never formed. */
  ONE_HOT
}
